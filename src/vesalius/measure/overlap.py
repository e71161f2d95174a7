"""How far two segmentations agree, voxel by voxel."""

from __future__ import annotations

import numpy as np

from vesalius.errors import GeometryError
from vesalius.volume import Array


def dice(a: Array, b: Array, value: int = 1) -> float:
    """Dice's coefficient 2·|A∩B| / (|A|+|B|) of the voxels that have ``value`` (Dice, Ecology 26(3), 1945).

    Two arrays that both lack ``value`` agree: 1. Boolean masks are compared by where they are true.

    Raises:
        GeometryError: the arrays differ in shape.
    """
    both, either = _overlap(a, b, value)
    return 2 * both / (both + either) if either else 1.0


def iou(a: Array, b: Array, value: int = 1) -> float:
    """Intersection over union |A∩B| / |A∪B| of the voxels that have ``value`` (Jaccard, New Phytologist 11, 1912).

    Two arrays that both lack ``value`` agree: 1.

    Raises:
        GeometryError: the arrays differ in shape.
    """
    both, either = _overlap(a, b, value)
    return both / either if either else 1.0


def _overlap(a: Array, b: Array, value: int) -> tuple[int, int]:
    """Number of voxels in both and in either."""
    if a.shape != b.shape:
        raise GeometryError(f"segmentations on different grids cannot be compared: {a.shape} and {b.shape}")
    in_a, in_b = a == value, b == value
    return int(np.count_nonzero(in_a & in_b)), int(np.count_nonzero(in_a | in_b))
