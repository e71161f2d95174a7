"""Fewer triangles for the same surface, by quadric edge collapse (Garland & Heckbert 1997)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.errors import UsageError
from vesalius.extras import require
from vesalius.scene.topology import is_closed, overused_edges

Points = NDArray[np.floating[Any]]
Triangles = NDArray[np.int32]

_MOST_REPAIRS = 200
_INSET = 0.01  # of the way from the middle of an edge to the opposite vertices


def simplify(points: Points, triangles: Triangles, reduction: float) -> tuple[Points, Triangles]:
    """A surface of points (V, 3) and ``triangles`` (T, 3) without about the share ``reduction`` of its triangles.

    A closed surface stays closed: where the collapse lets it touch itself along an edge, that edge is drawn apart; if
    that does not help, fewer triangles are removed, at worst none.

    Raises:
        UsageError: ``reduction`` is not within 0 to below 1.
        MissingExtraError: the extra "view" is not installed.
    """
    if not 0 <= reduction < 1:
        raise UsageError(f"the share of triangles to remove must be 0 or more and below 1, got {reduction}")
    if reduction == 0:
        return points, triangles
    collapse = require("fast_simplification", "view")
    for share in (reduction, 0.75 * reduction, 0.5 * reduction):
        fewer, remaining = collapse.simplify(points, triangles, target_reduction=share)
        surface = fewer, remaining.astype(np.int32)
        if is_closed(surface[1]):
            return surface
        if is_closed((mended := _mended(*surface))[1]):
            return mended
    return points, triangles


def _mended(points: Points, triangles: Triangles) -> tuple[Points, Triangles]:
    edges = overused_edges(triangles)
    if len(edges) > _MOST_REPAIRS:
        return points, triangles
    near = np.isin(triangles, edges).any(axis=1)
    triangles = np.concatenate([triangles[~near], _without_folds(triangles[near])])
    for start, stop in overused_edges(triangles):
        points, triangles = _drawn_apart(points, triangles, int(start), int(stop))
    return points, triangles


def _without_folds(triangles: Triangles) -> Triangles:
    """Drops triangles that lie back to back on the same three vertices: they enclose nothing."""
    ascents = (triangles < triangles[:, (1, 2, 0)]).sum(axis=1)
    facing = np.where(ascents == 2, 1, -1)
    _, group = np.unique(np.sort(triangles, axis=1), axis=0, return_inverse=True)
    balance = np.bincount(group, facing)
    keep = np.flatnonzero(balance[group] * facing > 0)
    _, first = np.unique(group[keep], return_index=True)
    kept: Triangles = triangles[keep[first]]
    return kept


def _drawn_apart(points: Points, triangles: Triangles, start: int, stop: int) -> tuple[Points, Triangles]:
    """Gives each pair of triangles on the edge from ``start`` to ``stop`` a vertex of its own in the edge's middle."""
    forth, back = _along(triangles, start, stop), _along(triangles, stop, start)
    if len(forth) != len(back):
        return points, triangles
    middle = (points[start] + points[stop]) / 2
    added: list[Points] = []
    replacing: list[list[int]] = []
    for number, ((_, left), (_, right)) in enumerate(zip(forth, back, strict=True)):
        via = len(points) + number
        added.append(middle + _INSET * ((points[left] + points[right]) / 2 - middle))
        replacing += [[start, via, left], [via, stop, left], [stop, via, right], [via, start, right]]
    kept = np.delete(triangles, np.concatenate([forth, back])[:, 0], axis=0)
    return np.concatenate([points, added]), np.concatenate([kept, np.array(replacing, dtype=np.int32)])


def _along(triangles: Triangles, start: int, stop: int) -> NDArray[np.intp]:
    """(N, 2): the triangles that run from ``start`` to ``stop``, and the third vertex of each."""
    row, corner = np.nonzero((triangles == start) & (triangles[:, (1, 2, 0)] == stop))
    return np.column_stack([row, triangles[row, (corner + 2) % 3]])
