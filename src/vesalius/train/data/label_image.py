"""A label image: which numbers it may hold, and whether it lies on its image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.errors import DatasetError
from vesalius.io import read
from vesalius.io.format import unreadable
from vesalius.train.data.images import same_place
from vesalius.volume import Array, Geometry, Volume

_MOST = np.iinfo(np.uint16).max
LabelArray = NDArray[np.unsignedinteger[Any]]


def read_label(path: Path) -> Volume:
    """The label image at ``path``; of a picture with a palette (PASCAL VOC's, or ours) the numbers, not the colours."""
    volume = read(path)
    return replace(volume, data=lambda: _indices(path), channels=("label",)) if _has_palette(volume, path) else volume


def laid_on(image: Geometry, label: Volume) -> Volume:
    """``label`` with its axes in the order of its image's, whichever way round it is stored.

    Raises:
        DatasetError: it does not lie on its image, to a tenth of a voxel.
    """
    laid = label.reoriented(image.orientation)
    if image.shape != laid.geometry.shape:
        raise DatasetError(f"its label has {_times(laid.geometry.shape)} voxels, its image {_times(image.shape)}")
    if not same_place(image, laid.geometry):
        gap = _gap(image, laid.geometry)
        raise DatasetError(f"its label lies on another grid than its image: voxels are up to {gap:.3g} mm apart")
    return laid


def label_values(label: Volume) -> LabelArray:
    """(I, J, K): the label of each voxel. In a picture of black and white alone, white is label 1.

    Raises:
        DatasetError: it is a colour picture or a JPEG, or holds values that are no label numbers.
    """
    voxels = _single(label)
    odd = _odd(voxels)
    if odd.size:
        raise DatasetError(f"its label image holds values that are no label numbers, such as {odd[0]:g}")
    white = 255 if voxels.max(initial=0) < 256 else _MOST
    values: LabelArray = voxels.astype(np.uint8 if white == 255 else np.uint16)
    if label.source.format in ("PNG", "TIFF") and set(present(values)) == {0, white}:
        values = (values == white).astype(np.uint8)
    return values


def present(labels: LabelArray) -> tuple[int, ...]:
    """The values that occur, in order; counted plane by plane, without a sort."""
    counts = np.zeros(int(labels.max(initial=0)) + 1, np.int64)
    for plane in np.moveaxis(labels, int(np.argmax(labels.strides)), 0):
        counts += np.bincount(plane.ravel(order="K"), minlength=len(counts))
    return tuple(np.flatnonzero(counts).tolist())


def _single(label: Volume) -> Array:
    """(I, J, K): the one channel; a grey picture may be stored as red, green and blue."""
    if label.source.format == "JPEG":
        raise DatasetError("its label is a JPEG, which does not keep values exactly; save labels as PNG")
    first: Array = label.voxels[0]
    if any(not np.array_equal(first, other) for other in label.voxels[1:]):
        raise DatasetError(f"its label image has {len(label.channels)} channels; save it with one number a voxel")
    return first


def _odd(voxels: Array) -> Array:
    """The values that are no whole numbers from 0 to 65535."""
    wrong = (voxels < 0) | (voxels > _MOST)
    if voxels.dtype.kind == "f":
        wrong |= voxels != np.rint(voxels)  # also where it is not a number
    odd: Array = voxels[wrong]
    return odd


def _has_palette(volume: Volume, path: Path) -> bool:
    if volume.source.format not in ("PNG", "TIFF"):
        return False
    from PIL import Image

    with Image.open(path) as picture:
        return picture.mode == "P"


def _indices(path: Path) -> Array:
    from PIL import Image

    try:
        # A stream, as in `vesalius.io.picture`: Pillow maps a path's file and may scramble it.
        with path.open("rb") as stream, Image.open(stream) as picture:
            return np.asarray(picture).T[np.newaxis, ..., np.newaxis]
    except OSError as error:
        raise unreadable(path, error) from error


def _gap(image: Geometry, label: Geometry) -> float:
    corners = np.array(np.meshgrid(*((0, n - 1) for n in image.shape)), float).reshape(3, -1).T
    return float(np.linalg.norm(image.to_world(corners) - label.to_world(corners), axis=1).max())


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
