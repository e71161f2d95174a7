"""Planes through a scan as pictures: sampled along the patient's axes, windowed, with the labels' outlines."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.results import Label, Labelmap
from vesalius.volume import Array, FloatArray, Volume, sample

_FILL_OPACITY = 0.16
_LINE_WIDTH = 2.0  # pixels
_CT_WINDOW = (-160.0, 240.0)  # Hounsfield units: soft tissue, width 400 about 40
_SAMPLES = 200_000
_COLOURS = 3


@dataclass(frozen=True, eq=False)
class Plane:
    """A picture's place in the patient: ``right`` and ``down`` are the WORLD directions (3) of its columns and rows.

    ``centre`` (3), WORLD mm, is in its middle; ``width`` and ``height`` are pixels, ``scale`` pixels a millimetre.
    """

    right: FloatArray
    down: FloatArray
    centre: FloatArray
    width: int
    height: int
    scale: float

    def points(self, coarseness: int) -> FloatArray:
        """(rows, columns, 3): WORLD points in the centres of squares of ``coarseness`` pixels."""
        columns, rows = -(-self.width // coarseness), -(-self.height // coarseness)
        x = ((np.arange(columns) + 0.5) * coarseness - self.width / 2) / self.scale
        y = ((np.arange(rows) + 0.5) * coarseness - self.height / 2) / self.scale
        return self.centre + x[None, :, None] * self.right + y[:, None, None] * self.down

    def locate(self, world: FloatArray) -> tuple[float, float]:
        """Column and row of a WORLD point, seen straight through the plane."""
        offset = (np.asarray(world) - self.centre) * self.scale
        return float(offset @ self.right) + self.width / 2, float(offset @ self.down) + self.height / 2


def grey_window(volume: Volume) -> tuple[float, float]:
    """Values to show black and white.

    A soft-tissue window for CT, the whole range for colours of 8 bits, else percentiles of what is not background.
    """
    if volume.modality == "CT":
        return _CT_WINDOW
    if volume.voxels.dtype == np.uint8 and volume.shape[0] == _COLOURS:
        return 0.0, 255.0
    stride = math.ceil((math.prod(volume.shape) / _SAMPLES) ** (1 / 3))
    sparse = volume.voxels[:, ::stride, ::stride, ::stride] if volume.shape[3] > 1 else volume.voxels
    values = sparse[np.isfinite(sparse)].astype(np.float64)
    if not len(values):
        return 0.0, 1.0
    background = float(values.min())
    low, high = np.percentile(values[values > background], (0.5, 99.5)) if values.max() > background else (0.0, 0.0)
    return (float(low), float(high)) if low < high else (background, max(float(values.max()), background + 1))


def draw_scan(volume: Volume, plane: Plane, window: tuple[float, float]) -> FloatArray:
    """(H, W, 3), 0 to 1: the scan in the plane, black outside it; three channels are taken as red, green, blue."""
    low, high = window
    coarseness = _coarseness(volume, plane)
    index = volume.geometry.to_index(plane.points(coarseness))
    channels = volume.voxels if volume.shape[0] == _COLOURS else volume.voxels[:1]
    shown = []
    for channel in channels:
        grey = (np.nan_to_num(sample(channel, index, order=1, outside=low)) - low) / (high - low)
        shown.append(_enlarged(np.clip(grey, 0, 1), coarseness, plane))
    return np.broadcast_to(np.clip(np.stack(shown, axis=-1), 0, 1), (plane.height, plane.width, 3)).copy()


def draw_labels(canvas: FloatArray, labelmap: Labelmap, plane: Plane) -> None:
    """Lay each label's outline, and a tint inside it, over ``canvas`` (H, W, 3), 0 to 1."""
    coarseness = _coarseness(labelmap, plane)
    index = labelmap.geometry.to_index(plane.points(coarseness))
    values = sample(labelmap.voxels, index, order=0)
    for value, label in present(values, labelmap.labels).items():
        _draw_label(canvas, values == value, label, coarseness)


def present(values: NDArray[Any], labels: Mapping[int, Label]) -> dict[int, Label]:
    """Those of ``labels`` that occur in ``values``, background apart."""
    return {int(value): labels[int(value)] for value in np.unique(values) if value != 0 and int(value) in labels}


def _coarseness(scan: Volume | Labelmap, plane: Plane) -> int:
    """How many pixels to take from one sample: about a voxel's smaller side."""
    return max(1, round(min(scan.geometry.spacing) * plane.scale))


def _enlarged(values: Array, coarseness: int, plane: Plane) -> FloatArray:
    from PIL import Image

    image = Image.fromarray(values.astype(np.float32))
    size = image.width * coarseness, image.height * coarseness
    enlarged = np.asarray(image.resize(size, Image.Resampling.BICUBIC), dtype=np.float64)
    return enlarged[: plane.height, : plane.width]


def _draw_label(canvas: FloatArray, mask: Array, label: Label, coarseness: int) -> None:
    """Only around the mask's bounding box, so that a hundred labels cost little more than one."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    top, left = max(rows[0] - 3, 0), max(columns[0] - 3, 0)
    mask = mask[top : rows[-1] + 4, left : columns[-1] + 4]
    depth = _depth_inside(mask, coarseness)
    _restore_thin(depth, mask, coarseness)
    part = canvas[top * coarseness :, left * coarseness :][: depth.shape[0], : depth.shape[1]]
    depth = depth[: part.shape[0], : part.shape[1], None]
    line = np.clip(_LINE_WIDTH / 2 + 0.5 - np.abs(depth - _LINE_WIDTH / 2), 0, 1)
    tint = _FILL_OPACITY * np.clip(depth + 0.5, 0, 1)
    opacity = np.maximum(line, tint)
    part += opacity * (np.array(label.rgb) / 255 - part)


def _restore_thin(depth: FloatArray, mask: Array, coarseness: int) -> None:
    """Lay a line, in place, on samples of ``mask`` that smoothing took away: hairs and dots are all that is there."""
    rows, columns = mask.shape
    blocks = depth.reshape(rows, coarseness, columns, coarseness)
    lost = mask & (blocks.max(axis=(1, 3)) < 0)
    blocks.transpose(0, 2, 1, 3)[lost] = _LINE_WIDTH / 2


def _depth_inside(mask: Array, coarseness: int) -> FloatArray:
    """About how many pixels each pixel lies inside the smoothed outline of ``mask``; negative outside."""
    from PIL import Image, ImageFilter

    image = Image.fromarray(mask.astype(np.uint8) * 255)
    size = image.width * coarseness, image.height * coarseness
    image = image.resize(size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(0.5 + coarseness / 2))
    level = np.asarray(image, dtype=np.float64) / 255 - 0.5
    if min(level.shape) < 2:
        return level
    slope = np.hypot(*np.gradient(level))
    depth: FloatArray = level / np.maximum(slope, 0.02)
    return depth
