"""AUROC and AUPRC of the voxels of many scans, pooled, without keeping the voxels.

They are counted in bins of equal odds p / (1 - p) to 0.1 %, so that probabilities near 0 and near 1 are told apart as
well as those in between. Voxels in one bin count as tied.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from vesalius.errors import InputError
from vesalius.volume import Array

Counts = NDArray[np.int64]

# The first 18 bits of a positive float32, of which 10 are its fraction: an order of its values, 1024 steps an octave.
_SHIFT = 13
_BINS = 1 << 18


@dataclass(frozen=True, eq=False)
class VoxelRanking:
    """How many voxels that are and are not of a label have each probability; ``+`` pools those of two scans."""

    positive: Counts
    negative: Counts

    @classmethod
    def count(cls, probabilities: Array, positive: Array) -> Self:
        """Of one label's probabilities and of where it is, two arrays of the same shape.

        Raises:
            InputError: the shapes differ, or a value is not between 0 and 1.
        """
        if probabilities.shape != positive.shape:
            raise InputError(f"probabilities {probabilities.shape} and truth {positive.shape} differ in shape")
        inside = _bins(probabilities[positive]), _bins(probabilities[~positive])
        first, second = (np.bincount(bins, minlength=_BINS).astype(np.int64) for bins in inside)
        return cls(first, second)

    def __add__(self, other: Self) -> Self:
        return type(self)(self.positive + other.positive, self.negative + other.negative)

    @cached_property
    def auroc(self) -> float | None:
        """See `vesalius.measure.ranking.auroc`; None where all voxels are of one kind."""
        pairs = int(self.positive.sum()) * int(self.negative.sum())
        below = np.cumsum(self.negative) - self.negative / 2
        return float(self.positive @ below) / pairs if pairs else None

    @cached_property
    def average_precision(self) -> float | None:
        """See `vesalius.measure.ranking.average_precision`; None where no voxel is positive."""
        filled = np.flatnonzero(self.positive)[::-1]
        if not len(filled):
            return None
        positive, negative = self.positive[::-1].cumsum()[::-1], self.negative[::-1].cumsum()[::-1]
        precision = positive[filled] / (positive[filled] + negative[filled])
        return float(self.positive[filled] @ precision / self.positive.sum())


def _bins(probabilities: Array) -> NDArray[np.uint32]:
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise InputError("a voxel's probability lies between 0 and 1, and one of those given does not")
    with np.errstate(divide="ignore"):  # a probability of 1 has infinite odds, whose bits come after all others
        odds = (probabilities / (1 - probabilities)).astype(np.float32)
    bins: NDArray[np.uint32] = odds.view(np.uint32) >> _SHIFT
    return bins
