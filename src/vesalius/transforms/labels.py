"""Labels from the grid that a network saw back to the scan's own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.transforms.resample import resample
from vesalius.volume import Geometry, IndexBox, mask_box

LabelArray = NDArray[np.unsignedinteger[Any]]


def labels_onto(labels: LabelArray, source: Geometry, target: Geometry) -> LabelArray:
    """``labels`` (I, J, K) on ``source``, seen on ``target``, each voxel given to the label that fills most of it.

    Each label's indicator is interpolated linearly inside its own bounding box, one label at a time, so that
    contours stay smooth when the target is finer and memory does not grow with the number of labels.
    """
    if source.is_close(target):
        return labels
    best = np.full(target.shape, 0.5, np.float32)
    result = np.zeros(target.shape, labels.dtype)
    boxes = bounding_boxes(labels)
    single = len(boxes) == 1
    if not single:
        best = resample((labels == 0).astype(np.float32), source, target, "linear")
    for value, box in boxes.items():
        part = _grown(box, source.shape)
        seen = target.box_around(source.cropped(part).to_world(_corners(part.shape)))
        indicator = (labels[part.slices] == value).astype(np.float32)
        share = resample(indicator, source.cropped(part), target.cropped(seen), "linear")
        here = best[seen.slices]
        better = share > here
        np.copyto(here, share, where=better)
        np.copyto(result[seen.slices], labels.dtype.type(value), where=better)
    return result


def bounding_boxes(labels: LabelArray) -> dict[int, IndexBox]:
    """The smallest box of each value but 0, all found in one pass an axis."""
    values = int(labels.max(initial=0)) + 1
    if values == 2:
        box = mask_box(labels.view(np.bool_) if labels.dtype == np.uint8 else labels != 0)
        return {} if box is None else {1: box}
    extents: list[NDArray[np.bool_]] = []
    for axis, length in enumerate(labels.shape):
        present = np.zeros((values, length), bool)
        for n, plane in enumerate(np.moveaxis(labels, axis, 0)):
            present[:, n] = np.bincount(plane.ravel(order="K"), minlength=values) > 0
        extents.append(present)
    boxes = {}
    for value in range(1, values):
        if extents[0][value].any():
            ends = [np.flatnonzero(present[value])[[0, -1]] for present in extents]
            (i0, i1), (j0, j1), (k0, k1) = ((int(a), int(b) + 1) for a, b in ends)
            boxes[value] = IndexBox((i0, j0, k0), (i1, j1, k1))
    return boxes


def _grown(box: IndexBox, shape: tuple[int, int, int]) -> IndexBox:
    """One voxel more on each side, so that the indicator falls to 0 inside the box."""
    i0, j0, k0 = (max(0, n - 1) for n in box.start)
    i1, j1, k1 = (min(n + 1, length) for n, length in zip(box.stop, shape, strict=True))
    return IndexBox((i0, j0, k0), (i1, j1, k1))


def _corners(shape: tuple[int, int, int]) -> NDArray[np.float64]:
    ends = [(-0.5, n - 0.5) for n in shape]
    return np.array(np.meshgrid(*ends), dtype=float).reshape(3, -1).T
