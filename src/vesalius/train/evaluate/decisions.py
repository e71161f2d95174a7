"""What a classifier said of many cases, in arrays, and all figures of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from vesalius.measure.calibration import expected_calibration_error
from vesalius.measure.ranking import MulticlassScores, auroc, multiclass_scores
from vesalius.measure.resampling import Interval, bootstrap_table
from vesalius.train.evaluate.patients import Cases, cases_of
from vesalius.train.evaluate.records import ClassifiedCase

Floats = NDArray[np.float64]
Intervals = dict[str, Interval | None]
_OVERALL = ("auroc", "auprc", "accuracy", "balanced_accuracy", "f1", "sensitivity", "specificity")
_CLASS = ("auroc", "auprc", "f1", "sensitivity", "specificity")


@dataclass(frozen=True, eq=False)
class Decisions:
    """``probabilities`` (N, C), ``truth`` (N) and ``answers`` (N) as columns, which ``names`` (C) name.

    ``positive`` is the column of the class that figures are about, where there are two classes.
    """

    names: Sequence[str]
    positive: int | None
    probabilities: Floats
    truth: Cases
    answers: Cases

    @classmethod
    def of(cls, cases: Sequence[ClassifiedCase], names: Sequence[str], positive: str | None) -> Self:
        """Those of ``cases``."""
        table = np.array([[case.probabilities[name] for name in names] for case in cases])
        truth, answers = (
            np.array([names.index(name) for name in chosen], np.intp)
            for chosen in ([case.truth for case in cases], [case.answer for case in cases])
        )
        return cls(names, None if positive is None else names.index(positive), table, truth, answers)

    def confusion(self) -> list[list[int]]:
        """(C, C) cases by true class (rows) and answer."""
        count = len(self.names)
        cells = np.bincount(self.truth * count + self.answers, minlength=count * count)
        rows: list[list[int]] = cells.reshape(count, count).tolist()
        return rows

    def calibration_pairs(self) -> tuple[Floats, NDArray[np.bool_]]:
        """(N) probabilities and (N) whether what they are of was so.

        Of two classes it is the positive one; of more, the most probable one.
        """
        if self.positive is not None:
            return self.probabilities[:, self.positive], self.truth == self.positive
        return self.probabilities.max(axis=1), self.probabilities.argmax(axis=1) == self.truth

    def squared_errors(self) -> Floats:
        """(N) of which Brier's score is the mean: of the positive class, or summed over more than two."""
        squares = np.square(self.probabilities - np.eye(len(self.names))[self.truth])
        errors: Floats = squares.sum(axis=1) if self.positive is None else squares[:, self.positive]
        return errors

    def auroc(self, cases: Cases) -> float | None:
        """Of some cases: the positive class's, or the mean over the classes."""
        columns = range(len(self.names)) if self.positive is None else (self.positive,)
        areas = (auroc(self.probabilities[cases, column], self.truth[cases] == column) for column in columns)
        known = [area for area in areas if area is not None]
        return sum(known) / len(known) if known else None

    def strata(self, patients: Sequence[Cases]) -> list[str]:
        """The classes that each patient's cases are of: drawn within these groups, every class is always drawn."""
        return ["|".join(map(str, sorted(set(self.truth[own].tolist())))) for own in patients]

    def intervals(self, patients: Sequence[Cases]) -> tuple[Intervals, dict[str, Intervals]]:
        """Of all cases, and of each class against the others."""

        def figures(drawn: Cases) -> Floats:
            return self._some(cases_of(patients, drawn))._figures()

        found = iter(bootstrap_table(figures, len(patients), strata=self.strata(patients)))
        overall = {name: next(found) for name in (*_OVERALL, "ece", "brier")}
        return overall, {name: {figure: next(found) for figure in _CLASS} for name in self.names}

    def _some(self, cases: Cases) -> Decisions:
        return Decisions(self.names, self.positive, self.probabilities[cases], self.truth[cases], self.answers[cases])

    def _figures(self) -> Floats:
        """In the order of `intervals`."""
        scores = multiclass_scores(self.probabilities, self.truth, self.answers)
        classes = [asdict(one) for one in scores.classes]
        overall = self._overall(scores)
        overall += [expected_calibration_error(*self.calibration_pairs()), float(self.squared_errors().mean())]
        return np.array([*overall, *(one[name] for one in classes for name in _CLASS)], dtype=np.float64)

    def _overall(self, scores: MulticlassScores) -> list[float | None]:
        if self.positive is not None:
            one = asdict(scores.classes[self.positive])
            return [one[name] for name in _OVERALL]
        specificities = [one.specificity for one in scores.classes if one.specificity is not None]
        return [
            scores.auroc,
            scores.auprc,
            scores.accuracy,
            scores.balanced_accuracy,
            scores.f1,
            scores.balanced_accuracy,
            float(np.mean(specificities)) if specificities else None,
        ]
