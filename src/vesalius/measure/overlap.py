"""How far two segmentations agree, voxel by voxel."""

from __future__ import annotations

from vesalius.errors import GeometryError
from vesalius.measure.confusion import Confusion
from vesalius.volume import Array


def dice(a: Array, b: Array, value: int = 1) -> float:
    """Dice's coefficient 2·|A∩B| / (|A|+|B|) of the voxels that have ``value`` (Dice, Ecology 26(3), 1945).

    Two arrays that both lack ``value`` agree: 1. Boolean masks are compared by where they are true.

    Raises:
        GeometryError: the arrays differ in shape.
    """
    agreement = _confusion(a, b, value).f1
    return 1.0 if agreement is None else agreement


def iou(a: Array, b: Array, value: int = 1) -> float:
    """Intersection over union |A∩B| / |A∪B| of the voxels that have ``value`` (Jaccard, New Phytologist 11, 1912).

    Two arrays that both lack ``value`` agree: 1.

    Raises:
        GeometryError: the arrays differ in shape.
    """
    agreement = _confusion(a, b, value).iou
    return 1.0 if agreement is None else agreement


def _confusion(a: Array, b: Array, value: int) -> Confusion:
    if a.shape != b.shape:
        raise GeometryError(f"segmentations on different grids cannot be compared: {a.shape} and {b.shape}")
    return Confusion.count(a == value, b == value)
