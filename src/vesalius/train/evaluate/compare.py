"""Two evaluations on the same cases: by how much the models differ, and whether that may be chance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from vesalius.errors import InputError
from vesalius.measure.paired import wilcoxon_signed_rank
from vesalius.measure.resampling import bootstrap_table
from vesalius.train.evaluate.decisions import Decisions
from vesalius.train.evaluate.patients import Cases, Evaluated, cases_of, patients_of
from vesalius.train.evaluate.records import (
    Classifications,
    ClassifiedCase,
    Comparison,
    Difference,
    Evaluation,
    Segmentations,
    SegmentedCase,
)
from vesalius.train.evaluate.spread import mean_of_known

Case = TypeVar("Case", SegmentedCase, ClassifiedCase)
Floats = NDArray[np.float64]
Key = tuple[str, str]  # label, or overall; figure
Differences = dict[str, dict[str, Difference]]
_OVERALL = "overall"
_BY_SIZE = frozenset({"volume_error_ml", "volume_error_relative"})  # whichever way the error goes
_SAME = frozenset({"reference_ml"})


def read_evaluation(path: Path) -> Evaluation:
    """The evaluation.json at ``path``, or in the folder ``path``.

    Raises:
        InputError: there is none, or it is not one.
    """
    file = path / "evaluation.json" if path.is_dir() else path
    try:
        return Evaluation.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{file} cannot be read as the evaluation.json of vesalius evaluate: {reason}") from error


def compare(ours: Evaluation, other: Evaluation, against: str) -> Comparison:
    """The figures of ``ours`` less those of ``other``, on the cases that are in both by name.

    A case counts for a figure where both models have it. The interval of a mean difference is bootstrapped by patient,
    its p-value Wilcoxon's over cases; AUROC, which no single case has, comes with an interval only.

    Raises:
        InputError: they are of different tasks, labels or cases.
    """
    if ours.segmentation is not None and other.segmentation is not None:
        cases, differences = _segmentations(ours.segmentation, other.segmentation)
    elif ours.classification is not None and other.classification is not None:
        cases, differences = _classifications(ours.classification, other.classification)
    else:
        raise InputError(f"{against} is of a model of another task")
    return Comparison(against=against, model=other.model, cases=cases, differences=differences)


def _segmentations(ours: Segmentations, other: Segmentations) -> tuple[int, Differences]:
    own, others = _pairs(ours.cases, other.cases)
    shared = [label for label in ours.labels if label in other.labels]
    if not shared:
        raise InputError("the two evaluations have no label in common")
    sides = [[_figures(case, shared) for case in side] for side in (own, others)]
    keys = list(dict.fromkeys(key for case in sides[0] for key in case))
    first, second = (np.array([[case.get(key) for key in keys] for case in side], np.float64) for side in sides)
    return len(own), _differences(keys, first, second, own)


def _figures(case: SegmentedCase, labels: Sequence[str]) -> dict[Key, float]:
    """Those that the case has, and over its labels their mean."""
    values: dict[Key, float] = {}
    gathered: dict[str, list[float]] = {}
    for label in labels:
        for name, value in case.labels.get(label, {}).items():
            if value is not None and name not in _SAME:
                values[label, name] = abs(value) if name in _BY_SIZE else value
                gathered.setdefault(name, []).append(values[label, name])
    return values | {(_OVERALL, name): sum(parts) / len(parts) for name, parts in gathered.items()}


def _classifications(ours: Classifications, other: Classifications) -> tuple[int, Differences]:
    own, others = _pairs(ours.cases, other.cases)
    names = list(ours.classes)
    if set(names) != set(other.classes) or any(one.truth != two.truth for one, two in zip(own, others, strict=True)):
        raise InputError("the two evaluations differ in their classes, or in which class a case is")
    sides = [Decisions.of(cases, names, ours.positive) for cases in (own, others)]
    first, second = (np.stack([side.answers == side.truth, side.squared_errors()], axis=1) for side in sides)
    found = _differences([(_OVERALL, "accuracy"), (_OVERALL, "brier")], first, second, own)
    area = _auroc(sides, patients_of(own))
    if area is not None:
        found[_OVERALL]["auroc"] = area
    return len(own), found


def _pairs(ours: Sequence[Case], other: Sequence[Case]) -> tuple[list[Case], list[Case]]:
    """The cases that both have, in the same order."""
    named = {case.name: case for case in other}
    own = [case for case in ours if case.name in named]
    if not own:
        raise InputError("the two evaluations have no case in common")
    return own, [named[case.name] for case in own]


def _differences(keys: Sequence[Key], first: Floats, second: Floats, cases: Sequence[Evaluated]) -> Differences:
    """Of two tables (cases, keys) with NaN where a case has no figure."""
    table, patients = first - second, patients_of(cases)
    intervals = bootstrap_table(lambda drawn: mean_of_known(table[cases_of(patients, drawn)]), len(patients))
    found: Differences = {}
    for (group, name), interval, one, two in zip(keys, intervals, first.T, second.T, strict=True):
        known = np.isfinite(one - two)
        if interval is not None:
            p_value = wilcoxon_signed_rank(one[known], two[known]).p_value
            difference = Difference(difference=interval, p_value=p_value, cases=int(known.sum()))
            found.setdefault(group, {})[name] = difference
    return found


def _auroc(sides: Sequence[Decisions], patients: Sequence[Cases]) -> Difference | None:
    """By which the area of the first exceeds the second's; None where all cases are of one class."""

    def difference(drawn: Cases) -> Floats:
        first, second = (side.auroc(cases_of(patients, drawn)) for side in sides)
        return np.array([np.nan if first is None or second is None else first - second])

    (interval,) = bootstrap_table(difference, len(patients), strata=sides[0].strata(patients))
    return None if interval is None else Difference(difference=interval, p_value=None, cases=len(sides[0].truth))
