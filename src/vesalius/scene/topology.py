"""How the triangles of a mesh hang together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.integer[Any]]


def is_closed(triangles: IntArray) -> bool:
    """Whether every edge of ``triangles`` (T, 3) has exactly two triangles, running along it in opposite directions."""
    if not len(triangles):
        return False
    start, stop, base = _edges(triangles)
    forth = np.sort(start * base + stop)
    back = np.sort(stop * base + start)
    return bool((start != stop).all() and (forth[1:] != forth[:-1]).all() and np.array_equal(forth, back))


def overused_edges(triangles: IntArray) -> IntArray:
    """(E, 2): the ends, smaller number first, of every edge that more than two of ``triangles`` (T, 3) share."""
    start, stop, base = _edges(triangles)
    edges, uses = np.unique(np.minimum(start, stop) * base + np.maximum(start, stop), return_counts=True)
    return np.column_stack(np.divmod(edges[uses > 2], base))


def _edges(triangles: IntArray) -> tuple[IntArray, IntArray, int]:
    """(3T,) starts and ends of the triangles' edges, and a number above every vertex's."""
    base = int(triangles.max(initial=-1)) + 1
    return triangles.ravel().astype(np.int64), triangles[:, (1, 2, 0)].ravel().astype(np.int64), base
