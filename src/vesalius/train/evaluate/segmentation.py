"""A model that segments, case by case, and the figures over the cases."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from vesalius.engine.backend import BackendInfo
from vesalius.engine.progress import Progress
from vesalius.engine.session import Networks
from vesalius.errors import DatasetError
from vesalius.measure.agreement import compare_labels
from vesalius.measure.voxel_ranking import VoxelRanking
from vesalius.results import Labelmap
from vesalius.tasks.segment import probabilities, segment
from vesalius.tasks.suitable import suited
from vesalius.train.data import Case
from vesalius.train.evaluate.naming import renumbered
from vesalius.train.evaluate.patients import patients_of
from vesalius.train.evaluate.records import Figures, Segmentations, SegmentedCase
from vesalius.train.evaluate.spread import spreads
from vesalius.volume import Volume


@dataclass
class Segmenter:
    """Evaluates one case after the other.

    ``values`` says which of the model's labels a number in the data stands for where that is another. ``unknown`` and
    ``seen`` gather the labels that occur in the references, of those that the model does not and does know.
    """

    session: Networks
    values: Mapping[int, int]
    tolerance_mm: float
    voxel_ranking: bool
    info: BackendInfo | None = None
    pictures: bool = False
    unknown: set[int] = field(default_factory=set)
    seen: set[int] = field(default_factory=set)
    pooled: dict[str, VoxelRanking] = field(default_factory=dict)

    def evaluate(self, case: Case) -> SegmentedCase | None:
        """The case's figures; None where it has no labels.

        Raises:
            InputError: it cannot be read, or is nothing that the model takes.
        """
        reference = self._reference(case)
        if reference is None:
            return None
        volume = suited(self.session.spec, case.volume())
        _ = volume.voxels
        start = time.perf_counter()
        found = segment(self.session, volume, Progress())
        seconds = time.perf_counter() - start
        self.info, self.pictures = found.runs[-1].info, volume.is_picture
        labels = self._figures(found.labelmap, reference)
        if self.voxel_ranking:
            self._rank(volume, reference, labels)
        dices = [figures["dice"] or 0.0 for figures in labels.values()]
        dice = sum(dices) / len(dices) if dices else None
        return SegmentedCase(name=case.name, patient=case.patient, seconds=round(seconds, 4), dice=dice, labels=labels)

    def finish(self, cases: Sequence[SegmentedCase]) -> Segmentations:
        """The figures over ``cases``.

        Raises:
            DatasetError: none of them has a label, or none that the model knows.
        """
        if not cases:
            raise DatasetError("the model segments, but none of the cases has labels to compare with")
        names = [label.name for label in self.session.spec.labels.values()]
        if not self.seen:
            found = ", ".join(map(str, sorted(self.unknown))) or "none"
            raise DatasetError(f"the labels in the data ({found}) are none of the model's ({', '.join(names)})")
        labels, overall = spreads([case.labels for case in cases], names, patients_of(cases))
        return Segmentations(
            tolerance_mm=self.tolerance_mm,
            pictures=self.pictures,
            cases=tuple(sorted(cases, key=lambda case: np.inf if case.dice is None else case.dice)),
            overall=overall,
            labels=labels,
            pooled={name: _ranks(ranking) for name, ranking in self.pooled.items()},
        )

    def notes(self) -> list[str]:
        """What the reader must know about the figures."""
        labels, notes = self.session.spec.labels, []
        if self.unknown:
            found = ", ".join(map(str, sorted(self.unknown)))
            notes.append(f"labels in the data that the model does not know were taken for background: {found}")
        absent = [label.name for value, label in labels.items() if value not in self.seen]
        if absent:
            notes.append(f"no reference has the label {', '.join(absent)}")
        if self.pictures:
            notes.append("the pictures say no size of their pixels: distances count pixels")
        return notes

    def _reference(self, case: Case) -> Labelmap | None:
        """The case's labels under the model's numbers and names."""
        labelmap = case.labelmap()
        if labelmap is None:
            return None
        voxels, known = renumbered(labelmap.voxels, self.values), self.session.spec.labels
        values = {int(value) for value in np.unique(voxels) if value}
        self.seen |= values & known.keys()
        self.unknown |= values - known.keys()
        return Labelmap(voxels, labelmap.geometry, known)

    def _figures(self, prediction: Labelmap, reference: Labelmap) -> dict[str, dict[str, float | None]]:
        compared = compare_labels(prediction, reference, self.tolerance_mm)
        predicted, actual = prediction.counts, reference.counts
        millilitres = reference.geometry.voxel_volume / 1000
        return {
            label.name: {**asdict(compared[label.name]), "reference_ml": actual.get(value, 0) * millilitres}
            for value, label in reference.labels.items()
            if value in predicted or value in actual
        }

    def _rank(self, volume: Volume, reference: Labelmap, labels: Mapping[str, dict[str, float | None]]) -> None:
        """Rank the case's voxels, alone and together with those before it."""
        likely = np.clip(probabilities(self.session, volume, Progress()), 0, 1)  # blending rounds
        for value, label in reference.labels.items():
            ranking = VoxelRanking.count(likely[value], reference.voxels == value)
            before = self.pooled.get(label.name)
            self.pooled[label.name] = ranking if before is None else before + ranking
            if label.name in labels:
                labels[label.name].update(_ranks(ranking))


def _ranks(ranking: VoxelRanking) -> Figures:
    return {"voxel_auroc": ranking.auroc, "voxel_auprc": ranking.average_precision}
