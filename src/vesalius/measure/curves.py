"""The curves behind AUROC and AUPRC, to be drawn: one point a threshold, tied scores together."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from vesalius.errors import InputError
from vesalius.volume import FloatArray


def roc_curve(scores: ArrayLike, positive: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """(M) 1 - specificity and (M) sensitivity, from "all are negative" (0, 0) to "all are positive" (1, 1).

    Args:
        scores: (N) higher means more likely positive.
        positive: (N) which cases are.

    Raises:
        InputError: the two differ in length, or all cases are of one class.
    """
    found, false = _counted(scores, positive)
    return np.append(0.0, false / false[-1]), np.append(0.0, found / found[-1])


def precision_recall_curve(scores: ArrayLike, positive: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """(M) sensitivity (recall) and (M) precision, from the highest threshold down; a recall of 0 has precision 1.

    Args:
        scores: (N) higher means more likely positive.
        positive: (N) which cases are.

    Raises:
        InputError: the two differ in length, or all cases are of one class.
    """
    found, false = _counted(scores, positive)
    return np.append(0.0, found / found[-1]), np.append(1.0, found / (found + false))


def _counted(scores: ArrayLike, positive: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """How many positive and negative cases reach each of the different scores, the highest first."""
    values, flags = np.asarray(scores, np.float64), np.asarray(positive, bool)
    if values.ndim != 1 or values.shape != flags.shape or flags.all() or not flags.any():
        raise InputError(f"a curve needs one score a case and cases of both classes, got {values.shape}, {flags.shape}")
    order = np.argsort(-values, kind="stable")
    last_of_tie = np.flatnonzero(np.append(np.diff(values[order]) != 0, True))
    found = np.cumsum(flags[order])[last_of_tie].astype(np.float64)
    return found, last_of_tie + 1 - found
