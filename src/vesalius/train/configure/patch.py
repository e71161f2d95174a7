"""The patch and the network's levels: the largest that the machine can train on."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

from vesalius.errors import NotEnoughMemoryError
from vesalius.train.case_fingerprint import Spacing
from vesalius.volume import Shape

Strides = tuple[Shape, ...]

_SMALLEST_MAP = 4
_MOST_LEVELS = 6


def strides_of(size: Sequence[int], spacing: Spacing) -> Strides:
    """How much coarser each level is than the one above: halved until a map would have fewer than 4 voxels.

    The coarse axes of anisotropic voxels wait until the others have caught up (Isensee 2021).
    """
    lengths, edges = [float(n) for n in size], list(spacing)
    steps: list[Shape] = []
    while len(steps) < _MOST_LEVELS - 1:
        possible = [axis for axis in range(3) if lengths[axis] >= 2 * _SMALLEST_MAP]
        if not possible:
            break
        finest = min(edges[axis] for axis in possible)
        i, j, k = (2 if axis in possible and edges[axis] < 2 * finest else 1 for axis in range(3))
        steps.append((i, j, k))
        lengths = [length / step for length, step in zip(lengths, steps[-1], strict=True)]
        edges = [edge * step for edge, step in zip(edges, steps[-1], strict=True)]
    return tuple(steps)


def largest_patch(median: Shape, spacing: Spacing, fits: Callable[[Shape, Strides], bool]) -> tuple[Shape, Strides]:
    """The median scan, rounded up to what the levels can halve, its longest edge in mm cut until it ``fits``.

    Raises:
        NotEnoughMemoryError: not even the smallest does.
    """
    candidates = list(_candidates(median, spacing))
    place = bisect_left(candidates, True, key=lambda candidate: fits(*candidate))
    if place == len(candidates):
        raise NotEnoughMemoryError(
            f"not even two patches of {'×'.join(map(str, candidates[-1][0]))} voxels can be trained on in this memory; "
            "close other programs, or allow more with --memory"
        )
    return candidates[place]


def _candidates(median: Shape, spacing: Spacing) -> Iterator[tuple[Shape, Strides]]:
    """From the largest to the smallest."""
    size: Shape | None = _at_least(median)
    while size is not None:
        strides = strides_of(size, spacing)
        patch = _rounded(size, strides)
        yield patch, strides
        size = _cut(patch, strides, spacing)


def _at_least(size: Shape) -> Shape:
    i, j, k = (n if n == 1 else max(n, 2 * _SMALLEST_MAP) for n in size)
    return i, j, k


def _factors(strides: Strides) -> Shape:
    i, j, k = (math.prod(step[axis] for step in strides) for axis in range(3))
    return i, j, k


def _rounded(size: Shape, strides: Strides) -> Shape:
    i, j, k = (math.ceil(n / factor) * factor for n, factor in zip(size, _factors(strides), strict=True))
    return i, j, k


def _cut(patch: Shape, strides: Strides, spacing: Spacing) -> Shape | None:
    factors = _factors(strides)
    possible = [axis for axis in range(3) if patch[axis] > 2 * _SMALLEST_MAP]
    if not possible:
        return None
    longest = max(possible, key=lambda axis: patch[axis] * spacing[axis])
    i, j, k = (n - factors[axis] if axis == longest else n for axis, n in enumerate(patch))
    return _at_least((i, j, k))
