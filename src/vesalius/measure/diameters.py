"""Extents of a set of voxels in any direction, exact: from its voxels' corners that may be corners of its hull."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from vesalius.volume import Array, FloatArray

_ROWS_AT_ONCE = 256


def hull_corners(mask: NDArray[np.bool_]) -> FloatArray:
    """(N, 3) INDEX: voxel corners of ``mask`` (I, J, K) among which are all corners of its convex hull.

    A corner of the hull is the furthest point in some direction. In the octant of that direction no other voxel lies
    further along all three axes; the voxels for which that holds are few (a Pareto front), and are found from the
    first and last voxel of each line of the third axis alone.

    Returns:
        An empty array where the mask is empty.
    """
    filled = mask.any(axis=2)
    last = np.where(filled, mask.shape[2] - 1 - mask[:, :, ::-1].argmax(axis=2), -1)
    first = np.where(filled, mask.argmax(axis=2), mask.shape[2])
    fronts = []
    for si, sj, sk in product((1, -1), repeat=3):
        height = last if sk > 0 else mask.shape[2] - 1 - first
        i, j = np.nonzero(_front(height[::si, ::sj])[::si, ::sj])
        k = (last if sk > 0 else first)[i, j]
        fronts.append(np.stack([i, j, k], axis=1) + np.array([si, sj, sk]) / 2)
    return np.concatenate(fronts)


def diameters(points: FloatArray) -> tuple[float, float, float]:
    """Largest extent of ``points`` (N, 3), largest one perpendicular to it, and the extent perpendicular to both.

    The first is the maximum Feret diameter: the largest distance between two of the points. The second is the largest
    distance between two of them seen along the first.
    """
    first, along_first = _farthest_pair(points)
    flat = points - np.outer(points @ along_first, along_first)
    second, along_second = _farthest_pair(flat)
    third = np.ptp(flat @ np.cross(along_first, along_second))
    return first, second, float(third)


def _front(height: Array) -> NDArray[np.bool_]:
    """Where in ``height`` (I, J) no place with both indices at least as large is at least as high; -1 is nowhere."""
    beyond = np.full((height.shape[0] + 1, height.shape[1] + 1), -1, dtype=height.dtype)
    beyond[:-1, :-1] = np.maximum.accumulate(np.maximum.accumulate(height[::-1, ::-1], axis=0), axis=1)[::-1, ::-1]
    higher: NDArray[np.bool_] = (height > beyond[1:, :-1]) & (height > beyond[:-1, 1:])
    return higher


def _farthest_pair(points: FloatArray) -> tuple[float, FloatArray]:
    """The largest distance between two of ``points`` (N, 3), and the unit vector along it.

    By the triangle inequality through the middle of a good first guess, most points cannot belong to a better pair.
    """
    p, q = _guess(points)
    best = float(np.linalg.norm(p - q))
    centred = points - (p + q) / 2
    radius = np.linalg.norm(centred, axis=1)
    order = np.argsort(-radius)
    centred, radius = centred[order], radius[order]
    for start in range(0, len(radius), _ROWS_AT_ONCE):
        if radius[start] * 2 < best:  # its partners lie further in; what is further out has had its turn
            break
        rows = centred[start : start + _ROWS_AT_ONCE]
        reach = int(np.searchsorted(-radius, radius[start] - best, side="right"))
        partners = centred[start:reach]
        squared = _squared_distances(rows, partners)
        row, column = np.unravel_index(int(squared.argmax()), squared.shape)
        if squared[row, column] > best**2:
            best, p, q = float(np.sqrt(squared[row, column])), rows[row], partners[column]
    return best, (p - q) / best


def _guess(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Two points far apart: from one to the one furthest from it, as long as that gains."""
    p = points[0]
    reached = -1.0
    while True:
        squared = ((points - p) ** 2).sum(axis=1)
        furthest = int(squared.argmax())
        if squared[furthest] <= reached:
            return p, points[furthest]
        reached, p = float(squared[furthest]), points[furthest]


def _squared_distances(a: FloatArray, b: FloatArray) -> FloatArray:
    """(len(a), len(b)); by differences, not by a product of matrices, whose rounding would show."""
    squared: FloatArray = ((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=2)
    return squared
