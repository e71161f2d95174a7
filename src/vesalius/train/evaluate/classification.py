"""A model that classifies, case by case, and the figures over the cases."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vesalius.engine.backend import BackendInfo
from vesalius.engine.progress import Progress
from vesalius.engine.session import Networks
from vesalius.errors import DatasetError
from vesalius.tasks.classify import classify
from vesalius.tasks.suitable import suited
from vesalius.train.data import Case
from vesalius.train.evaluate.decisions import Decisions
from vesalius.train.evaluate.patients import patients_of
from vesalius.train.evaluate.records import Classifications, ClassifiedCase


@dataclass
class Classifier:
    """Evaluates one case after the other; ``values`` as in `vesalius.train.evaluate.segmentation.Segmenter`."""

    session: Networks
    values: Mapping[int, int]
    info: BackendInfo | None = None

    def evaluate(self, case: Case) -> ClassifiedCase | None:
        """The model's answer; None where the case's class is not known.

        Raises:
            InputError: it cannot be read, is nothing that the model takes, or of a class that it does not know.
        """
        if case.target is None:
            return None
        truth = self.session.spec.labels.get(self.values.get(case.target, case.target))
        if truth is None:
            raise DatasetError(f"the case {case.name} has the class {case.target}, which the model does not know")
        volume = suited(self.session.spec, case.volume())
        _ = volume.voxels
        start = time.perf_counter()
        found = classify(self.session, volume, Progress())
        seconds = time.perf_counter() - start
        self.info = found.run.info
        return ClassifiedCase(
            name=case.name,
            patient=case.patient,
            seconds=round(seconds, 4),
            truth=truth.name,
            answer=found.answer,
            probabilities=found.scores.probabilities,
        )

    def finish(self, cases: Sequence[ClassifiedCase]) -> Classifications:
        """The figures over ``cases``.

        Raises:
            DatasetError: none of them has a class.
        """
        if not cases:
            raise DatasetError("the model classifies, but the class of none of the cases is known")
        spec = self.session.spec
        names = [label.name for _, label in sorted(spec.labels.items())]
        decision = spec.decision
        positive = _positive(names, None if decision is None else decision.label)
        decisions = Decisions.of(cases, names, positive)
        overall, classes = decisions.intervals(patients_of(cases))
        confusion = decisions.confusion()
        return Classifications(
            positive=positive,
            threshold=None if decision is None or decision.label is None else decision.threshold,
            cases=tuple(sorted(cases, key=lambda case: case.probabilities[case.truth])),
            overall=overall,
            classes=classes,
            confusion={true: dict(zip(names, row, strict=True)) for true, row in zip(names, confusion, strict=True)},
        )

    def notes(self) -> list[str]:
        """What the reader must know about the figures: nothing."""
        return []


def _positive(names: Sequence[str], decided: str | None) -> str | None:
    """Of two classes the one that the model decides on, or the second."""
    return (decided or names[1]) if len(names) == 2 else None
