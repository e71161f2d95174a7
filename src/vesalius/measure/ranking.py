"""How well a classifier's scores tell the classes apart, and how good its decisions are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vesalius.errors import InputError
from vesalius.measure.confusion import Confusion
from vesalius.volume import FloatArray

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class BinaryScores:
    """Figures of one class against the rest; None where the cases leave it undefined (a class without cases)."""

    auroc: float | None
    auprc: float | None
    accuracy: float | None
    balanced_accuracy: float | None
    f1: float | None
    sensitivity: float | None
    specificity: float | None


@dataclass(frozen=True)
class MulticlassScores:
    """Figures of several classes; the means count each class that has a figure alike, however many its cases.

    ``balanced_accuracy`` is the mean sensitivity; ``classes`` has each class against the rest.
    """

    accuracy: float
    balanced_accuracy: float | None
    auroc: float | None
    auprc: float | None
    f1: float | None
    classes: tuple[BinaryScores, ...]


def auroc(scores: ArrayLike, positive: ArrayLike) -> float | None:
    """Area under the ROC curve: how often a positive case scores above a negative one, a tie counting half.

    From the Mann-Whitney statistic (Hanley and McNeil, Radiology 143(1), 1982).

    Args:
        scores: (N) higher means more likely positive.
        positive: (N) which cases are.

    Returns:
        0 to 1; None where all cases are of one class.

    Raises:
        InputError: the two differ in length, are empty, or a score is not finite.
    """
    values, flags = _checked(scores, positive)
    positives = int(flags.sum())
    negatives = len(flags) - positives
    if positives == 0 or negatives == 0:
        return None
    wins = midranks(values)[flags].sum() - positives * (positives + 1) / 2
    return float(wins / (positives * negatives))


def average_precision(scores: ArrayLike, positive: ArrayLike) -> float | None:
    """Area under the precision-recall curve (AUPRC), in steps: Σ (Rₙ - Rₙ₋₁)·Pₙ, tied scores in one step.

    Steps, because a straight line between two points of that curve is too high (Davis and Goadrich, ICML 2006).

    Args:
        scores: (N) higher means more likely positive.
        positive: (N) which cases are.

    Returns:
        0 to 1; None where no case is positive.

    Raises:
        InputError: the two differ in length, are empty, or a score is not finite.
    """
    values, flags = _checked(scores, positive)
    if not flags.any():
        return None
    order = np.argsort(-values, kind="stable")
    last_of_tie = np.flatnonzero(np.append(np.diff(values[order]) != 0, True))
    found = np.cumsum(flags[order])[last_of_tie]
    precision, recall = found / (last_of_tie + 1), found / flags.sum()
    return float(np.diff(recall, prepend=0) @ precision)


def binary_scores(scores: ArrayLike, positive: ArrayLike, threshold: float = 0.5) -> BinaryScores:
    """All figures of a classifier that says yes to scores (N) from ``threshold`` up; ``positive`` (N) is the truth.

    Raises:
        InputError: the two differ in length, are empty, or a score is not finite.
    """
    values, flags = _checked(scores, positive)
    return _binary(values, flags, values >= threshold)


def multiclass_scores(
    scores: ArrayLike, classes: ArrayLike, answers: NDArray[np.integer] | None = None
) -> MulticlassScores:
    """All figures of a classifier of C classes.

    Args:
        scores: (N, C), one column a class.
        classes: (N) integers, the column of the true class.
        answers: (N) the column that the classifier decided on; by default the one with the highest score.

    Raises:
        InputError: the shapes do not fit, a score is not finite, or there is no such column.
    """
    table, truth = np.asarray(scores, dtype=np.float64), np.asarray(classes)
    _check_table(table, truth)
    decided = table.argmax(axis=1) if answers is None else answers
    _check_table(table, decided)
    each = tuple(_binary(table[:, c], truth == c, decided == c) for c in range(table.shape[1]))
    return MulticlassScores(
        accuracy=float(np.mean(decided == truth)),
        balanced_accuracy=_mean(one.sensitivity for one in each),
        auroc=_mean(one.auroc for one in each),
        auprc=_mean(one.auprc for one in each),
        f1=_mean(one.f1 for one in each),
        classes=each,
    )


def midranks(values: FloatArray) -> FloatArray:
    """Ranks from 1 of ``values`` (N); equal values share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: FloatArray = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return ranks


def _binary(values: FloatArray, positive: Flags, decided: Flags) -> BinaryScores:
    decisions = Confusion.count(decided, positive)
    return BinaryScores(
        auroc=auroc(values, positive),
        auprc=average_precision(values, positive),
        accuracy=decisions.accuracy,
        balanced_accuracy=decisions.balanced_accuracy,
        f1=decisions.f1,
        sensitivity=decisions.sensitivity,
        specificity=decisions.specificity,
    )


def _checked(scores: ArrayLike, positive: ArrayLike) -> tuple[FloatArray, Flags]:
    values, flags = np.asarray(scores, dtype=np.float64), np.asarray(positive)
    if values.ndim != 1 or values.shape != flags.shape or values.size == 0:
        raise InputError(f"scores and truth must be lists of the same length, got {values.shape} and {flags.shape}")
    if flags.dtype != bool and not np.isin(flags, (0, 1)).all():
        raise InputError("the truth of each case must be true or false (1 or 0)")
    if not np.isfinite(values).all():
        raise InputError(f"the score of case {int(np.argmin(np.isfinite(values)))} is not a finite number")
    return values, flags.astype(bool)


def _check_table(table: FloatArray, truth: NDArray[np.integer]) -> None:
    if table.ndim != 2 or truth.shape != table.shape[:1] or table.size == 0:
        raise InputError(f"scores must be (N, C) and classes (N), got {table.shape} and {truth.shape}")
    if truth.dtype.kind not in "ui" or truth.min() < 0 or truth.max() >= table.shape[1]:
        raise InputError(f"classes must be integers from 0 to {table.shape[1] - 1}, one for each column of the scores")
    if not np.isfinite(table).all():
        raise InputError(f"a score of case {int(np.argmin(np.isfinite(table).all(axis=1)))} is not a finite number")


def _mean(figures: Iterable[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None]
    return sum(known) / len(known) if known else None
