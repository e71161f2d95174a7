"""Are probabilities as often right as they say, and what makes them so?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vesalius.errors import InputError

Floats = NDArray[np.float64]
_GOLDEN = (np.sqrt(5) - 1) / 2
_BOUNDS = (np.log(0.05), np.log(20.0))


def expected_calibration_error(probabilities: ArrayLike, correct: ArrayLike, bins: int = 10) -> float:
    """Mean gap between confidence and accuracy over bins of equal width, weighted by their cases (Naeini 2015).

    Args:
        probabilities: (N) of the answer given.
        correct: (N) whether it was right.
        bins: how many.
    """
    confidence, right = _checked(probabilities, correct)
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(place, right - confidence, bins)
    return float(np.abs(gaps).sum() / len(confidence))


def brier_score(probabilities: ArrayLike, positive: ArrayLike) -> float:
    """Mean squared difference between the probability of the positive class and what came (Brier 1950)."""
    likely, came = _checked(probabilities, positive)
    return float(np.square(likely - came).mean())


def fit_temperature(scores: ArrayLike, classes: ArrayLike) -> float:
    """The temperature that makes the softmax of ``scores`` / temperature most likely (Guo 2017).

    Args:
        scores: (N, L) before softmax.
        classes: (N) the true columns.
    """
    logits, truth = np.asarray(scores, np.float64), np.asarray(classes, int)

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
        InputError: one of the classes is missing.
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
    return first, second
