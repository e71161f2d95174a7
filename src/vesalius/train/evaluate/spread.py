"""Means and medians of the labels' figures over cases, with their confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vesalius.measure.resampling import Interval, bootstrap_table
from vesalius.train.evaluate.patients import Cases, cases_of
from vesalius.train.evaluate.records import Figures, Spread

Floats = NDArray[np.float64]
Spreads = dict[str, Spread]


def spreads(
    cases: Sequence[Mapping[str, Figures]], labels: Sequence[str], patients: Sequence[Cases]
) -> tuple[dict[str, Spreads], Spreads]:
    """Of each label, and over the labels; figures that no case has are left out.

    Args:
        cases: label → figures of each case, without the labels that a case does not have.
        labels: all of them.
        patients: which cases are whose.
    """
    figures = list(dict.fromkeys(name for case in cases for own in case.values() for name in own))
    table = _table(cases, labels, figures)

    def statistics(drawn: Cases) -> Floats:
        part = table[cases_of(patients, drawn)]
        return np.concatenate([_with_overall(average(part)).ravel() for average in (mean_of_known, _median)])

    intervals = iter(bootstrap_table(statistics, len(patients)))
    means, medians = ([[next(intervals) for _ in figures] for _ in (*labels, "overall")] for _ in range(2))
    counts = np.isfinite(table).sum(axis=0)
    rows = zip(means, medians, [*counts, np.isfinite(table).any(axis=1).sum(axis=0)], strict=True)
    *each, overall = (_spreads(figures, *row) for row in rows)
    return dict(zip(labels, each, strict=True)), overall


def _table(cases: Sequence[Mapping[str, Figures]], labels: Sequence[str], figures: Sequence[str]) -> Floats:
    """(cases, labels, figures); NaN where a case has none."""
    rows = [[[case.get(label, {}).get(name) for name in figures] for label in labels] for case in cases]
    return np.array(rows, dtype=np.float64)


def _spreads(
    figures: Sequence[str], means: Sequence[Interval | None], medians: Sequence[Interval | None], counts: Floats
) -> Spreads:
    rows = zip(figures, means, medians, counts, strict=True)
    return {
        name: Spread(mean=mean, median=median, cases=int(count))
        for name, mean, median, count in rows
        if mean is not None and median is not None
    }


def _with_overall(figures: Floats) -> Floats:
    """(labels + 1, figures): below the labels their mean."""
    return np.concatenate([figures, mean_of_known(figures)[np.newaxis]])


def mean_of_known(table: Floats) -> Floats:
    """Over the first axis, of what is no NaN; without numpy's warnings and in a third of its time."""
    known = np.isfinite(table)
    with np.errstate(invalid="ignore"):
        mean: Floats = np.where(known, table, 0).sum(axis=0) / known.sum(axis=0)
    return mean


def _median(table: Floats) -> Floats:
    """Over the first axis, of what is no NaN."""
    ordered = np.sort(table, axis=0)  # NaN comes last
    count = np.isfinite(table).sum(axis=0)[np.newaxis]
    lower, upper = (np.take_along_axis(ordered, np.maximum(place, 0), 0)[0] for place in ((count - 1) // 2, count // 2))
    median: Floats = (lower + upper) / 2
    return median
