"""Right and wrong decisions, counted, and their ratios: of the voxels of a label, or of the cases of a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from vesalius.volume import Array


@dataclass(frozen=True)
class Confusion:
    """How many were rightly and wrongly called positive and negative.

    A ratio whose denominator is zero is undefined: None.
    """

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int

    @classmethod
    def count(cls, predicted: Array, actual: Array) -> Self:
        """Of two boolean arrays of the same shape."""
        both = int(np.count_nonzero(predicted & actual))
        false_positive = int(np.count_nonzero(predicted)) - both
        false_negative = int(np.count_nonzero(actual)) - both
        return cls(both, false_positive, false_negative, predicted.size - both - false_positive - false_negative)

    @property
    def sensitivity(self) -> float | None:
        """The share of the actual positives that were found (recall)."""
        return _ratio(self.true_positive, self.true_positive + self.false_negative)

    @property
    def specificity(self) -> float | None:
        """The share of the actual negatives that were called negative."""
        return _ratio(self.true_negative, self.true_negative + self.false_positive)

    @property
    def precision(self) -> float | None:
        """The share of what was called positive that is."""
        return _ratio(self.true_positive, self.true_positive + self.false_positive)

    @property
    def accuracy(self) -> float | None:
        """The share of right decisions."""
        right = self.true_positive + self.true_negative
        return _ratio(right, right + self.false_positive + self.false_negative)

    @property
    def balanced_accuracy(self) -> float | None:
        """The mean of sensitivity and specificity."""
        sensitivity, specificity = self.sensitivity, self.specificity
        return None if sensitivity is None or specificity is None else (sensitivity + specificity) / 2

    @property
    def f1(self) -> float | None:
        """2·TP / (2·TP + FP + FN), the harmonic mean of precision and sensitivity; of voxels, it is Dice."""
        twice = 2 * self.true_positive
        return _ratio(twice, twice + self.false_positive + self.false_negative)

    @property
    def iou(self) -> float | None:
        """TP / (TP + FP + FN), intersection over union."""
        return _ratio(self.true_positive, self.true_positive + self.false_positive + self.false_negative)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
