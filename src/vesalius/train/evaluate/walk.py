"""Goes through the cases one by one, whatever the task; one that fails stands in no other's way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from vesalius.engine.backend import BackendInfo
from vesalius.engine.progress import Progress
from vesalius.errors import InputError
from vesalius.train.data import Case, Dataset
from vesalius.train.evaluate.records import ClassifiedCase, Running, SegmentedCase

Row = TypeVar("Row", SegmentedCase, ClassifiedCase)
Found = TypeVar("Found")
FoundOut = TypeVar("FoundOut", covariant=True)


class Evaluator(Protocol[Row, FoundOut]):
    """What a task makes of a case, and of all of them."""

    @property
    def info(self) -> BackendInfo | None:
        """What ran the network, once it has."""

    def evaluate(self, case: Case) -> Row | None:
        """None where the data say nothing to compare with."""

    def finish(self, cases: Sequence[Row]) -> FoundOut:
        """The figures over all cases."""

    def notes(self) -> list[str]:
        """What the reader must know about them."""


@dataclass(frozen=True)
class Outcome(Generic[Found]):
    """What `Evaluator.finish` found, and about what it found it."""

    found: Found
    running: Running
    failures: Mapping[str, str]
    notes: tuple[str, ...]


def walk(
    evaluator: Evaluator[Row, Found], cases: Sequence[Case], dataset: Dataset, progress: Progress
) -> Outcome[Found]:
    """Evaluate ``cases``.

    Raises:
        InputError: no case could be evaluated.
    """
    rows: list[Row] = []
    failures: dict[str, str] = {}
    with progress.stage("evaluate", len(cases)):
        for case in cases:
            try:
                row = evaluator.evaluate(case)
            except InputError as error:
                failures[case.name] = str(error)
            else:
                rows += [] if row is None else [row]
            progress.advance()
    if failures and not rows:
        name, reason = next(iter(failures.items()))
        raise InputError(f"none of the {len(cases)} cases could be evaluated; of {name}: {reason}")
    found = evaluator.finish(rows)
    notes = (*evaluator.notes(), *_missing(len(cases) - len(rows) - len(failures), dataset))
    return Outcome(found, _running(evaluator.info, [row.seconds for row in rows]), failures, notes)


def _missing(unlabelled: int, dataset: Dataset) -> list[str]:
    notes = []
    if unlabelled:
        notes.append(f"{unlabelled} case(s) without a label or class were left out")
    if dataset.problems:
        notes.append(f"the data are incomplete in {len(dataset.problems)} place(s), such as: {dataset.problems[0]}")
    return notes


def _running(info: BackendInfo | None, seconds: Sequence[float]) -> Running:
    engine, precision, device = ("none", "none", "none") if info is None else (info.engine, info.precision, info.device)
    return Running(
        engine=engine,
        precision=precision,
        device=device,
        seconds_mean=round(float(np.mean(seconds)), 4),
        seconds_median=round(float(np.median(seconds)), 4),
        seconds_max=max(seconds),
    )
