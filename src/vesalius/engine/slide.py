"""Runs a network over a region tile by tile; what becomes of the tiles' scores is up to who accumulates them."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from vesalius.engine.accumulate import Scores
from vesalius.engine.backend import Backend, FloatTensor
from vesalius.engine.plan import Plan
from vesalius.engine.progress import Progress
from vesalius.engine.region import Seen
from vesalius.models.spec import NetworkSpec, SlidingGrid


class Accumulator(Protocol):
    """Takes the scores of tiles in the order of a tiling whose axes are in sweep order."""

    def add(self, scores: Scores, place: tuple[int, int, int]) -> None:
        """The scores (L, a, b, c) of the tile at the positions ``place`` of the tiling; some tiles may be missing."""

    def finish_row(self, a: int, b: int) -> None:
        """The tiles at the positions (a, b, every c) are in."""


def slide(
    backend: Backend,
    seen: Seen,
    plan: Plan,
    network: NetworkSpec,
    grid: SlidingGrid,
    accumulator: Accumulator,
    progress: Progress,
) -> int:
    """Run all tiles and hand their class scores to ``accumulator``; returns how many were background and not run."""
    patch, skipped = plan.tiling.patch, 0
    counts = [len(starts) for starts in plan.swept.starts]
    for a, b, c in np.ndindex(*counts):
        start = plan.start((a, b, c))
        tile = seen.cut(start, patch)
        if grid.skip_at_most is not None and tile.max() <= grid.skip_at_most:
            skipped += 1
        else:
            scores = class_scores(backend.run(seen.tensor(tile, start, patch))[0], network.threshold)
            accumulator.add(scores.transpose(0, *(1 + axis for axis in plan.order)), (a, b, c))
        progress.advance()
        if c == counts[2] - 1:
            accumulator.finish_row(a, b)
    return skipped


def class_scores(output: FloatTensor, threshold: float | None) -> FloatTensor:
    """(L, …): a score a class. One channel with a threshold is two classes, of which the first has the score 0."""
    if threshold is None:
        return output
    scores = np.zeros((2, *output.shape[1:]), np.float32)
    np.subtract(output[0], np.float32(threshold), out=scores[1])
    return scores
