"""How sure a figure over cases is: bootstrap confidence intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vesalius.errors import InputError, UsageError

Cases = NDArray[np.intp]
Statistic = Callable[[Cases], float | None]
Statistics = Callable[[Cases], NDArray[np.float64]]


@dataclass(frozen=True)
class Interval:
    """A figure with its confidence interval."""

    estimate: float
    low: float
    high: float
    confidence: float


def bootstrap(
    statistic: Statistic,
    case_count: int,
    *,
    strata: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Percentile interval of ``statistic`` over cases (Efron and Tibshirani, An Introduction to the Bootstrap, 1993).

    The cases are drawn anew with replacement, ``resamples`` times, from the same ``seed`` always the same ones. Where
    several scans are of one patient, the patients are the cases.

    Args:
        statistic: the figure of the cases with these indices (M), which may repeat.
        case_count: how many cases there are.
        strata: (case_count) the group of each case, such as its class: each keeps its number of cases.
        confidence: between 0 and 1.
        resamples: how many times cases are drawn.
        seed: of the random numbers.

    Raises:
        InputError: there is no case, ``strata`` does not fit, or the figure is undefined for the cases or a resample.
        UsageError: ``confidence`` is not between 0 and 1, or ``resamples`` is less than 1.
    """
    draws = _draws(case_count, strata, confidence, resamples, seed)
    estimate = _defined(statistic(np.arange(case_count)))
    low, high = np.quantile([_defined(statistic(drawn)) for drawn in draws], _ends(confidence))
    return Interval(estimate, float(low), float(high), confidence)


def bootstrap_table(
    statistics: Statistics,
    case_count: int,
    *,
    strata: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> list[Interval | None]:
    """The intervals of several figures (M) of the same cases, all from the same draws; see `bootstrap`.

    NaN stands for a figure that is undefined: for the cases themselves it has no interval (None), and draws for which
    it is undefined, such as those without a case that has a rare label, are passed over.

    Raises:
        InputError: there is no case, or ``strata`` does not fit.
        UsageError: ``confidence`` is not between 0 and 1, or ``resamples`` is less than 1.
    """
    draws = _draws(case_count, strata, confidence, resamples, seed)
    estimates = statistics(np.arange(case_count))
    table = np.array([statistics(drawn) for drawn in draws])
    return [_interval(float(estimate), column, confidence) for estimate, column in zip(estimates, table.T, strict=True)]


def _interval(estimate: float, drawn: NDArray[np.float64], confidence: float) -> Interval | None:
    defined = drawn[np.isfinite(drawn)]
    if not np.isfinite(estimate) or not len(defined):
        return None
    low, high = np.quantile(defined, _ends(confidence))
    return Interval(estimate, float(low), float(high), confidence)


def _ends(confidence: float) -> tuple[float, float]:
    return (1 - confidence) / 2, (1 + confidence) / 2


def _draws(case_count: int, strata: ArrayLike | None, confidence: float, resamples: int, seed: int) -> Iterator[Cases]:
    """The cases of each resample; what makes no sense is refused before the first."""
    if not 0 < confidence < 1 or resamples < 1:
        raise UsageError(
            f"a bootstrap needs a confidence between 0 and 1 and a resample or more, got {confidence} and {resamples}"
        )
    groups = _groups(case_count, strata)
    rng = np.random.default_rng(seed)
    return (np.concatenate([rng.choice(group, len(group)) for group in groups]) for _ in range(resamples))


def _groups(case_count: int, strata: ArrayLike | None) -> list[Cases]:
    if case_count < 1:
        raise InputError("there is no case to draw from")
    if strata is None:
        return [np.arange(case_count)]
    labels = np.asarray(strata)
    if labels.shape != (case_count,):
        raise InputError(f"strata must name the group of each of the {case_count} cases, got {labels.shape}")
    return [np.flatnonzero(labels == label) for label in np.unique(labels)]


def _defined(figure: float | None) -> float:
    if figure is None or not np.isfinite(figure):
        raise InputError(
            "the figure is undefined for some of the cases drawn; leave out cases that have none, "
            "or give the classes as strata so that each is always drawn"
        )
    return float(figure)
