"""Triangles to pixels in numpy: an orthographic z-buffer that needs no display, no GPU and no OpenGL.

Camera space: x to the right, y down, in pixels from the picture's upper left corner, and z towards the viewer, in
pixels too. A pixel is covered where its centre is; two triangles that share an edge leave no gap and no overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.volume import Array, FloatArray

IntArray = NDArray[np.integer[Any]]

_SLIVER = 1e-9  # pixels²: twice the area below which a triangle is not drawn
_DEPTH_STEPS = 2**31 - 1
_FRAGMENT_BITS = 32


@dataclass(frozen=True, eq=False)
class Fragments:
    """What is seen: ``pixel`` (P,), as row × width + column, and the point of the surface in its centre.

    The point lies in ``triangle`` (P,) at the barycentric coordinates ``weight`` (P, 3), at ``depth`` (P,).
    """

    pixel: IntArray
    triangle: IntArray
    weight: Array
    depth: Array


def rasterize(points: FloatArray, triangles: IntArray, width: int, height: int) -> Fragments:
    """The front-most point of the surface in each pixel; triangles that face away are left out.

    Args:
        points: (V, 3) in camera space.
        triangles: (T, 3), wound so that closed surfaces face outwards.
        width: of the picture, pixels.
        height: of the picture, pixels.
    """
    front = _facing(points, triangles)
    corners = points[triangles[front]]
    owner, row, first, last = _spans(corners, width, height)
    span, column = _expanded(first, last)
    owner, row = owner[span], row[span]
    origin, along, down = _depth_planes(corners)
    depth = origin[owner] + along[owner] * column + down[owner] * row
    pixel = row * width + column
    seen = _nearest(pixel, depth, width * height)
    owner = owner[seen]
    weight = _barycentric(corners, owner, column[seen], row[seen])
    return Fragments(pixel[seen], front[owner], weight, depth[seen])


def _facing(points: FloatArray, triangles: IntArray) -> IntArray:
    x, y = np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1])
    a, b, c = triangles.T
    turn = (x[b] - x[a]) * (y[c] - y[a]) - (y[b] - y[a]) * (x[c] - x[a])
    return np.flatnonzero(turn < -_SLIVER)  # y points down, which turns counter-clockwise into negative


def _spans(corners: FloatArray, width: int, height: int) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """(S,) each: a triangle, a row, and the columns from the first to before the last that it covers there."""
    order = np.argsort(corners[:, :, 1], axis=1)
    top, middle, bottom = (corners[np.arange(len(corners)), order[:, rank], :2] for rank in range(3))
    begin, end = (np.clip(np.ceil(edge[:, 1] - 0.5), 0, height).astype(np.int32) for edge in (top, bottom))
    owner, row = _expanded(begin, end)
    y = row.astype(np.float64) + 0.5
    long = _crossing(top, bottom, owner, y)
    short = np.where(y < middle[owner, 1], _crossing(top, middle, owner, y), _crossing(middle, bottom, owner, y))
    first, last = (
        np.clip(np.ceil(side - 0.5), 0, width).astype(np.int32)
        for side in (np.minimum(long, short), np.maximum(long, short))
    )
    covered = first < last
    return owner[covered], row[covered], first[covered], last[covered]


def _crossing(upper: FloatArray, lower: FloatArray, owner: IntArray, y: FloatArray) -> FloatArray:
    """x at which the edge from ``upper`` to ``lower`` (T, 2) of each ``owner`` crosses the height ``y``."""
    drop = lower[:, 1] - upper[:, 1]
    slope = np.divide(lower[:, 0] - upper[:, 0], drop, out=np.zeros_like(drop), where=drop > 0)
    crossing: FloatArray = upper[owner, 0] + (y - upper[owner, 1]) * slope[owner]
    return crossing


def _expanded(begin: IntArray, end: IntArray) -> tuple[IntArray, IntArray]:
    """All integers of the ranges ``begin`` to before ``end``, one range after the other: its number, the integer."""
    count = np.maximum(end - begin, 0)
    number = np.repeat(np.arange(len(count), dtype=np.int32), count)
    shift = (begin - (np.cumsum(count) - count)).astype(np.int32)
    return number, np.arange(len(number), dtype=np.int32) + shift[number]


def _depth_planes(corners: FloatArray) -> tuple[Array, Array, Array]:
    """(T,) each: depth of a triangle's plane at the centre of pixel (0, 0), and its change a column and a row."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    normal = np.cross(b - a, c - a)
    along, down = -normal[:, 0] / normal[:, 2], -normal[:, 1] / normal[:, 2]
    return a[:, 2] - along * (a[:, 0] - 0.5) - down * (a[:, 1] - 0.5), along, down


def _barycentric(corners: FloatArray, owner: IntArray, column: IntArray, row: IntArray) -> Array:
    """(P, 3): weights of the corners of each ``owner``, of (T, 3, 3), in the centres of the pixels."""
    a = corners[:, 0, :2]
    (bx, by), (cx, cy) = (corners[:, 1, :2] - a).T, (corners[:, 2, :2] - a).T
    gradients = np.stack([cy, -cx, -by, bx], axis=1) / (bx * cy - by * cx)[:, None]
    gradients = gradients[owner]
    x, y = column + 0.5 - a[owner, 0], row + 0.5 - a[owner, 1]
    of_b = gradients[:, 0] * x + gradients[:, 1] * y
    of_c = gradients[:, 2] * x + gradients[:, 3] * y
    return np.stack([1 - of_b - of_c, of_b, of_c], axis=1, dtype=np.float32)


def _nearest(pixel: IntArray, depth: Array, size: int) -> IntArray:
    """Of the fragments in each pixel, the one with the largest depth; of all pixels that have any, in order."""
    if not len(pixel):
        return np.zeros(0, dtype=np.int64)
    low, high = float(depth.min()), float(depth.max())
    steps = ((depth - low) * (_DEPTH_STEPS / max(high - low, 1e-12))).astype(np.int64)
    buffer = np.full(size, -1, dtype=np.int64)
    np.maximum.at(buffer, pixel, (steps << _FRAGMENT_BITS) | np.arange(len(pixel)))
    fragment: IntArray = buffer[buffer >= 0] & (2**_FRAGMENT_BITS - 1)
    return fragment
