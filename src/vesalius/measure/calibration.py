"""Are probabilities as often right as they say, and what makes them so?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vesalius.errors import InputError

Floats = NDArray[np.float64]
_GOLDEN = (np.sqrt(5) - 1) / 2
_BOUNDS = (np.log(0.05), np.log(20.0))


@dataclass(frozen=True)
class ReliabilityBin:
    """Cases of similar probability: its mean, how often they were right, and their share of all cases."""

    probability: float
    frequency: float
    share: float


def expected_calibration_error(probabilities: ArrayLike, correct: ArrayLike, bins: int = 10) -> float:
    """Mean gap between confidence and accuracy over bins of equal width, weighted by their cases (Naeini 2015).

    Args:
        probabilities: (N) of the answer given.
        correct: (N) whether it was right.
        bins: how many.

    Raises:
        InputError: the two differ in length, are empty, or a probability is not between 0 and 1.
    """
    return sum(one.share * abs(one.frequency - one.probability) for one in reliability(probabilities, correct, bins))


def reliability(probabilities: ArrayLike, correct: ArrayLike, bins: int = 10) -> list[ReliabilityBin]:
    """The bins of equal width that hold cases, from the lowest probability up; see `expected_calibration_error`."""
    confidence, right = _checked(probabilities, correct)
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    counts, sums, hits = (np.bincount(place, weights, bins) for weights in (None, confidence, right))
    filled = [(int(n), float(total), float(hit)) for n, total, hit in zip(counts, sums, hits, strict=True) if n]
    return [ReliabilityBin(total / n, hit / n, n / len(confidence)) for n, total, hit in filled]


def brier_score(probabilities: ArrayLike, positive: ArrayLike) -> float:
    """Mean squared difference between the probability of the positive class and what came (Brier 1950).

    Raises:
        InputError: as in `expected_calibration_error`.
    """
    likely, came = _checked(probabilities, positive)
    return float(np.square(likely - came).mean())


def fit_temperature(scores: ArrayLike, classes: ArrayLike) -> float:
    """The temperature that makes the softmax of ``scores`` / temperature most likely (Guo 2017).

    Args:
        scores: (N, L) before softmax.
        classes: (N) the true columns.

    Returns:
        0.05 to 20; beyond, the cases say too little (such as where every one is right).

    Raises:
        InputError: the shapes do not fit, or a score is not finite.
    """
    logits, truth = np.asarray(scores, np.float64), np.asarray(classes, int)
    if logits.ndim != 2 or truth.shape != logits.shape[:1] or not logits.size or not np.isfinite(logits).all():
        raise InputError(f"finite scores (N, L) and classes (N) are needed, got {logits.shape} and {truth.shape}")

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        scaled = scaled - scaled.max(1, keepdims=True)
        return float((np.log(np.exp(scaled).sum(1)) - scaled[np.arange(len(truth)), truth]).mean())

    low, high = _BOUNDS
    for _ in range(60):  # golden section: the loss is convex in 1 / temperature, so it has one minimum
        span = _GOLDEN * (high - low)
        if loss(high - span) < loss(low + span):
            high = low + span
        else:
            low = high - span
    return float(np.exp((low + high) / 2))


def best_threshold(probabilities: ArrayLike, positive: ArrayLike) -> float:
    """Midway between the two scores where sensitivity + specificity is largest (Youden 1950).

    Raises:
        InputError: as in `expected_calibration_error`, or one of the classes is missing.
    """
    likely, came = _checked(probabilities, positive)
    if came.min() == came.max():
        raise InputError("a threshold needs cases of both classes")
    order = np.argsort(-likely, kind="stable")
    ranked, flags = likely[order], came[order]
    gain = np.cumsum(flags) / flags.sum() - np.cumsum(1 - flags) / (1 - flags).sum()
    gain[np.flatnonzero(np.diff(ranked) == 0)] = -np.inf  # not between equal scores
    last = int(np.argmax(gain))
    after = ranked[last + 1] if last + 1 < len(ranked) else 0.0
    return float((ranked[last] + after) / 2)


def _checked(values: ArrayLike, flags: ArrayLike) -> tuple[Floats, Floats]:
    first, second = np.asarray(values, np.float64), np.asarray(flags).astype(np.float64)
    if first.ndim != 1 or first.shape != second.shape or not len(first):
        raise InputError(f"one flag a probability is needed, got {first.shape} and {second.shape}")
    if not ((first >= 0) & (first <= 1)).all():
        raise InputError("a probability lies between 0 and 1, and one of those given does not")
    return first, second
