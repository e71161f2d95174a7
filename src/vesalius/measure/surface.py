"""Surface area of a set of voxels, by Crofton's formula.

The mean number of times that random lines cross a surface is proportional to its area. The lines are those of the
voxel lattice in 13 directions; each direction stands for the part of the sphere that is nearest to it, as in Lehmann
and Legland, "Efficient N-dimensional surface estimation using Crofton formula and run-length encoding", Insight
Journal, 2012. Unlike there, the directions are chosen to spread evenly in millimetres: on thick slices, one step to
the next slice goes with several in the plane.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from math import gcd

import numpy as np
from numpy.typing import NDArray

from vesalius.volume import FloatArray

_SPHERE_POINTS = 20_000
Offset = tuple[int, int, int]


def surface_area(mask: NDArray[np.bool_], axes: FloatArray) -> float:
    """Area in mm² of the boundary of ``mask`` (I, J, K), whose voxels have the edges ``axes`` (3, 3; columns, mm).

    Outside the array is background: where the mask is cut off, the cut counts. The area of a ball of 10 voxels across
    comes out within 2 %; a flat face within 8 %, too small where it lies along the grid. What is thinner than two
    voxels is underestimated.
    """
    count = np.count_nonzero(mask)
    area = 0.0
    for offset, factor in _lines(axes.tobytes()):
        # Every voxel is left once each way: crossings = 2 × (voxels - pairs of voxels that are both inside).
        area += factor * 2 * (count - _pairs(mask, offset))
    return area


def _pairs(mask: NDArray[np.bool_], offset: Offset) -> int:
    """How many voxels of the mask have another one ``offset`` further."""
    if any(abs(step) >= n for step, n in zip(offset, mask.shape, strict=True)):
        return 0
    here = tuple(slice(max(0, -step), n - max(0, step)) for step, n in zip(offset, mask.shape, strict=True))
    there = tuple(slice(max(0, step), n - max(0, -step)) for step, n in zip(offset, mask.shape, strict=True))
    return int(np.count_nonzero(mask[here] & mask[there]))


@lru_cache(maxsize=16)
def _lines(axes_bytes: bytes) -> tuple[tuple[Offset, float], ...]:
    """(offset, mm² that one crossing of a lattice line along it stands for) of the 13 directions."""
    axes = np.frombuffer(axes_bytes).reshape(3, 3)
    offsets = _spread_offsets(np.linalg.norm(axes, axis=0))
    steps = np.array(offsets) @ axes.T
    lengths = np.linalg.norm(steps, axis=1)
    nearest = np.abs(_sphere(_SPHERE_POINTS) @ (steps / lengths[:, None]).T).argmax(axis=1)
    share = np.bincount(nearest, minlength=len(offsets)) / _SPHERE_POINTS
    # Area = 2 × mean projected area; a lattice line of that direction passes through voxel volume / step length of it.
    factors = 2 * share * abs(np.linalg.det(axes)) / lengths
    return tuple(zip(offsets, factors.tolist(), strict=True))


def _spread_offsets(spacing: FloatArray) -> list[Offset]:
    """One lattice step for each of the 13 pairs of opposite neighbours of a cube, stretched to be isotropic in mm."""
    stretch = np.maximum(1, np.round(spacing.max() / spacing)).astype(int)
    offsets: list[Offset] = []
    for signs in product((-1, 0, 1), repeat=3):
        if signs > (0, 0, 0):
            i, j, k = (int(step) for step in np.array(signs) * stretch)
            shortest = gcd(i, j, k)
            offsets.append((i // shortest, j // shortest, k // shortest))
    return offsets


def _sphere(count: int) -> FloatArray:
    """(count, 3) unit vectors, evenly spread (Fibonacci lattice; González, Mathematical Geosciences 42, 2010)."""
    n = np.arange(count) + 0.5
    z = 1 - 2 * n / count
    angle = np.pi * (1 + np.sqrt(5)) * n
    radius = np.sqrt(1 - z * z)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=1)
