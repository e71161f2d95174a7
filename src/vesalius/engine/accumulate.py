"""Class scores of overlapping tiles become labels, and are dropped at once; or they are blended, and all are kept.

`StreamingArgmax` visits tiles row by row. Scores live in two buffers only: ``window``, as long as the grid along the
last axis and one tile wide along the other two, and ``carry``, what a row of tiles leaves to the next one. Both hold
all classes; a buffer of the whole grid with all classes never exists. `BlendedScores` is that buffer.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.engine.tiles import Blend, Tiling, importance
from vesalius.volume import Shape

Scores = NDArray[np.floating[Any]]
_CARRY_LIMIT = 2**30


def sweep_order(shape: Shape) -> tuple[int, int, int]:
    """Axes from the longest to the shortest: sweeping along the longest keeps the carry smallest."""
    a, b, c = sorted(range(3), key=lambda axis: -shape[axis])
    return a, b, c


class StreamingArgmax:
    """Labels (A, B, C) of a tiled grid, from tiles of class scores added in the tiling's own order.

    The caller's axes must already be in sweep order. Because every class of a voxel gets the same total weight, the
    weights need not be summed up or divided by. A voxel that no tile covers is 0, background.
    """

    def __init__(self, tiling: Tiling, classes: int, blend: Blend) -> None:
        self.tiling = tiling
        self.labels = np.zeros(tiling.shape, label_type(classes))
        self._weights = importance(tiling.patch, blend)
        carry_type, carry_shape, window_shape = buffers(tiling, classes)
        self._window = np.zeros(window_shape, np.float32)
        self._carry = np.zeros(carry_shape, carry_type)
        self._touched = False
        self._carried = False

    def add(self, scores: Scores, place: tuple[int, int, int]) -> None:
        """Add the scores (L, a, b, c) of the tile at the positions ``place``, which is in the current row."""
        inside, target = _common(self.tiling, 2, place[2])
        for window, score in zip(self._window, scores, strict=True):
            for row, weight in enumerate(self._weights):  # plane by plane, which stays in the processor's cache
                window[row, :, target] += score[row, :, inside] * weight[:, inside]
        self._touched = True

    def finish_row(self, a: int, b: int) -> None:
        """The tiles at positions (a, b, every c) are in: settle what no later tile touches, keep the rest."""
        a_starts, b_starts = self.tiling.starts[0], self.tiling.starts[1]
        columns = _step(b_starts, b, self.tiling.patch[1])
        keep = self.tiling.patch[1] - columns
        if self._touched or self._carried:
            self._settle(a_starts, a, b_starts[b], columns)
        self._window[:, :, :keep] = self._window[:, :, columns:].copy()
        self._window[:, :, keep:] = 0
        if b == len(b_starts) - 1:
            self._carried = self._carried or self._touched
            self._touched = False

    def _settle(self, a_starts: tuple[int, ...], a: int, b_start: int, columns: int) -> None:
        """Label the rows of this window that are final; hand the others to the next row of tiles."""
        rows = _step(a_starts, a, self.tiling.patch[0])
        low, high = max(0, b_start), min(self.tiling.shape[1], b_start + columns)
        if high <= low:
            return
        part = self._window[:, :, low - b_start : high - b_start]
        carried = self._carry[:, :, low:high]
        overlap = self.tiling.patch[0] - _step(a_starts, a - 1, self.tiling.patch[0]) if a else 0
        part[:, :overlap] += carried[:, :overlap]
        start = a_starts[a]
        first, last = max(0, start), min(self.tiling.shape[0], start + rows)
        argmax_into(part[:, first - start : last - start], self.labels[first:last, low:high])
        carried[:, : part.shape[1] - rows] = part[:, rows:]


class BlendedScores:
    """Scores (L, A, B, C) of a tiled grid, weighted means where tiles overlap.

    The caller's axes must already be in sweep order, as for `StreamingArgmax`.
    """

    def __init__(self, tiling: Tiling, classes: int, blend: Blend) -> None:
        self._tiling = tiling
        self._importance = importance(tiling.patch, blend)
        self._sums = np.zeros((classes, *tiling.shape), np.float32)
        self._weights = np.zeros(tiling.shape, np.float32)

    def add(self, scores: Scores, place: tuple[int, int, int]) -> None:
        """Add the scores (L, a, b, c) of the tile at the positions ``place``."""
        common = [_common(self._tiling, axis, position) for axis, position in enumerate(place)]
        inside, target = tuple(own for own, _ in common), tuple(theirs for _, theirs in common)
        weight = self._importance[inside]
        self._weights[target] += weight
        for total, score in zip(self._sums, scores, strict=True):
            total[target] += score[inside] * weight

    def finish_row(self, a: int, b: int) -> None:
        """Nothing: every sum is kept to the end."""

    def blended(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """The scores, 0 where no tile was added, and where there was one (A, B, C). To be asked once, at the end."""
        covered = self._weights > 0
        np.divide(self._sums, self._weights, out=self._sums, where=covered)
        return self._sums, covered


def blended_bytes(tiling: Tiling, classes: int) -> int:
    """Memory of the sums, the weights and what is covered."""
    return int(np.prod(tiling.shape)) * (4 * classes + 4 + 1)


def _common(tiling: Tiling, axis: int, position: int) -> tuple[slice, slice]:
    """What a tile and the grid have in common along one axis: counted from the tile's start, and from the grid's."""
    first = tiling.starts[axis][position]
    inside = slice(max(0, -first), min(tiling.patch[axis], tiling.shape[axis] - first))
    return inside, slice(first + inside.start, first + inside.stop)


def buffers(tiling: Tiling, classes: int) -> tuple[type[np.floating[Any]], tuple[int, ...], tuple[int, ...]]:
    """Type and shape of the carry, shape of the window. The carry is float16 where float32 would pass 1 GiB."""
    starts, patch = tiling.starts, tiling.patch
    overlap = max((patch[0] - (after - before) for before, after in pairwise(starts[0])), default=0)
    carry = (classes, overlap, tiling.shape[1], tiling.shape[2])
    window = (classes, patch[0], patch[1], tiling.shape[2])
    carry_type = np.float32 if 4 * int(np.prod(carry)) <= _CARRY_LIMIT else np.float16
    return carry_type, carry, window


def argmax_bytes(tiling: Tiling, classes: int) -> int:
    """Memory of both buffers of a `StreamingArgmax` and of the labels."""
    carry_type, carry, window = buffers(tiling, classes)
    labels = int(np.prod(tiling.shape)) * np.dtype(label_type(classes)).itemsize
    return int(np.prod(carry)) * np.dtype(carry_type).itemsize + int(np.prod(window)) * 4 + labels


def _step(starts: tuple[int, ...], position: int, patch: int) -> int:
    """How far the next tile starts after this one; the whole tile after the last."""
    return starts[position + 1] - starts[position] if position + 1 < len(starts) else patch


def label_type(classes: int) -> type[np.unsignedinteger[Any]]:
    """The smallest unsigned type that numbers that many classes."""
    return np.uint8 if classes <= 256 else np.uint16


def argmax(scores: Scores) -> NDArray[np.unsignedinteger[Any]]:
    """Labels (A, B, C): the arg-max of ``scores`` (L, A, B, C), the lowest class at a tie."""
    labels = np.empty(scores.shape[1:], label_type(len(scores)))
    argmax_into(scores, labels)
    return labels


def argmax_into(scores: Scores, labels: NDArray[np.unsignedinteger[Any]]) -> None:
    """``labels`` (A, B, C) becomes the arg-max of ``scores`` (L, A, B, C), the lowest class at a tie."""
    if len(scores) == 2:
        np.greater(scores[1], scores[0], out=labels, casting="unsafe")
        return
    best = scores[0].astype(np.float32)
    labels[...] = 0
    for value, score in enumerate(scores[1:], start=1):
        better = score > best
        np.copyto(labels, labels.dtype.type(value), where=better)
        np.copyto(best, score, where=better)
