"""Whether two models differ on the same cases: paired two-sided tests."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from vesalius.errors import InputError, UsageError
from vesalius.measure.ranking import midranks
from vesalius.volume import FloatArray

_MOST_EXACT = 50
# Sums of the same numbers in another order may differ in the last bits and are still ties.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class PairedTest:
    """How two models differ over cases.

    Attributes:
        difference: mean of the first less the second.
        statistic: what the test is about: the smaller rank sum of Wilcoxon's, the mean difference of the permutation's.
        p_value: two-sided.
        exact: whether the p-value counts all possibilities, rather than approximates or samples them.
    """

    difference: float
    statistic: float
    p_value: float
    exact: bool


def wilcoxon_signed_rank(first: ArrayLike, second: ArrayLike) -> PairedTest:
    """Wilcoxon's signed-rank test of the figures (N) of two models on the same cases (Biometrics Bulletin 1(6), 1945).

    Cases without a difference are left out. Exact up to 50 cases, ties included; above, the normal approximation with
    its variance corrected for ties.

    Raises:
        InputError: the two differ in length, are empty, or a figure is not finite.
    """
    differences = _differences(first, second)
    changed = differences[differences != 0]
    mean = float(differences.mean())
    if len(changed) == 0:
        return PairedTest(mean, 0.0, 1.0, exact=True)
    ranks = midranks(np.abs(changed))
    above = float(ranks[changed > 0].sum())
    smaller = min(above, float(ranks.sum()) - above)
    exact = len(changed) <= _MOST_EXACT
    p_value = _exact_rank_p(ranks, smaller) if exact else _normal_rank_p(ranks, smaller)
    return PairedTest(mean, smaller, p_value, exact)


def paired_permutation(first: ArrayLike, second: ArrayLike, *, resamples: int = 10_000, seed: int = 0) -> PairedTest:
    """Permutation test of the mean difference of two models' figures (N) on the same cases (Fisher, 1935).

    If the models are alike, either could have been the first on each case. All 2ᴺ ways are counted where they are no
    more than ``resamples``; else that many are drawn, the same ones from the same ``seed``, and the way that was
    observed counts as one more (Phipson and Smyth, Stat Appl Genet Mol Biol 9(1), 2010).

    Raises:
        InputError: the two differ in length, are empty, or a figure is not finite.
        UsageError: ``resamples`` is less than 1.
    """
    if resamples < 1:
        raise UsageError(f"a permutation test needs one resample or more, got {resamples}")
    differences = _differences(first, second)
    count = len(differences)
    mean = float(differences.mean())
    limit = abs(differences.sum()) - _ROUNDING * np.abs(differences).sum()
    if 2**count <= resamples:
        signs = np.array(list(product((-1.0, 1.0), repeat=count)))
        return PairedTest(mean, mean, float(np.mean(np.abs(signs @ differences) >= limit)), exact=True)
    rng = np.random.default_rng(seed)
    # One resample at a time: all signs at once would not fit for many cases.
    extreme = sum(abs(rng.choice((-1.0, 1.0), count) @ differences) >= limit for _ in range(resamples))
    return PairedTest(mean, mean, (int(extreme) + 1) / (resamples + 1), exact=False)


def _differences(first: ArrayLike, second: ArrayLike) -> FloatArray:
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape or a.size == 0:
        raise InputError(f"two models are compared on the same cases, one figure each, got {a.shape} and {b.shape}")
    differences: FloatArray = a - b
    if not np.isfinite(differences).all():
        raise InputError(f"case {int(np.argmin(np.isfinite(differences)))} has no finite figure of both models")
    return differences


def _exact_rank_p(ranks: FloatArray, smaller: float) -> float:
    """Twice the share of the 2ᴺ sign patterns whose rank sum is at most ``smaller``."""
    # Midranks are halves: doubled, they are integers, and the sums can be counted one rank after the other.
    doubled = np.rint(2 * ranks).astype(int)
    ways = np.zeros(int(doubled.sum()) + 1)
    ways[0] = 1
    for rank in doubled:
        ways[rank:] += ways[:-rank].copy()
    return min(1.0, 2 * float(ways[: round(2 * smaller) + 1].sum() / ways.sum()))


def _normal_rank_p(ranks: FloatArray, smaller: float) -> float:
    # Σ rank² / 4 is the variance of the rank sum; over midranks it is the one corrected for ties.
    deviation = math.sqrt(float(ranks @ ranks) / 4)
    return math.erfc((float(ranks.sum()) / 2 - smaller) / deviation / math.sqrt(2))
