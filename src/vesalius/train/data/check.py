"""Looks through a data set for what would spoil a training: every file is read once."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from vesalius.engine.progress import Progress
from vesalius.errors import DatasetError, InputError
from vesalius.train.data.case import Case, Dataset
from vesalius.train.data.compare import Seen, compare
from vesalius.train.data.contradictions import contradictions, parts_of
from vesalius.train.data.findings import Finding, error, warning
from vesalius.train.data.label_image import label_values, laid_on, present
from vesalius.train.data.split import Division, divide
from vesalius.train.recipe import Recipe
from vesalius.volume import Volume


def check_dataset(dataset: Dataset, recipe: Recipe | None = None, progress: Progress | None = None) -> list[Finding]:
    """Everything wrong with the data, errors first; with a recipe also what contradicts it.

    Found are files that are missing or cannot be read, labels on another grid than their image, labels that are unknown
    or no label numbers, empty ones, values that are not finite, equal images within and across parts, patients across
    parts, classes and labels without a case, images with other channels or another spacing than the rest.
    """
    progress = progress or Progress()
    division, findings = _divided(dataset, recipe)
    parts = parts_of(dataset, division)
    findings += contradictions(dataset, parts, recipe)
    seen = []
    with progress.stage("check", len(dataset.cases)):
        for case in dataset.cases:
            looked = _look(case, _known_labels(dataset, recipe))
            findings += looked.findings
            seen += [looked.seen] if looked.seen else []
            progress.advance()
    findings += compare(seen, parts, dataset, recipe)
    return sorted(findings, key=lambda finding: (finding.severity, finding.code, finding.case))


def _divided(dataset: Dataset, recipe: Recipe | None) -> tuple[Division | None, list[Finding]]:
    if recipe is None:
        return None, []
    try:
        return divide(dataset, recipe.data), []
    except DatasetError as failure:
        return None, [error("split", "", str(failure))]


def _known_labels(dataset: Dataset, recipe: Recipe | None) -> Collection[int]:
    """The labels that a label image may hold; empty where nothing says it."""
    return recipe.labels if recipe is not None and recipe.task == "segment" else dataset.label_names


@dataclass(frozen=True)
class _Looked:
    seen: Seen | None
    findings: list[Finding]


def _look(case: Case, known: Collection[int]) -> _Looked:
    """One case, read."""
    try:
        volume = case.volume().reoriented()
        voxels = volume.voxels
    except DatasetError as failure:
        return _Looked(None, [error("channel-grid", case.name, str(failure))])
    except InputError as failure:
        return _Looked(None, [error("unreadable", case.name, str(failure))])
    labels, findings = _labels(case, volume, known)
    if voxels.dtype.kind == "f" and not np.isfinite(voxels).all():
        count = int((~np.isfinite(voxels)).sum())
        findings.append(error("not-finite", case.name, f"{count} voxels are infinite or not a number"))
    return _Looked(Seen(case.name, len(voxels), volume.geometry.spacing, _digest(volume), labels), findings)


def _labels(case: Case, volume: Volume, known: Collection[int]) -> tuple[frozenset[int] | None, list[Finding]]:
    """The labels that occur; None where there is no label image or it cannot be used."""
    try:
        label = case.label_image()
        if label is None:
            return None, []
        values = frozenset(present(label_values(label))) - {0}
    except DatasetError as failure:
        return None, [error("label-values", case.name, str(failure))]
    except InputError as failure:
        return None, [error("unreadable", case.name, str(failure))]
    findings = list(_label_findings(case.name, values, known))
    try:
        laid_on(volume.geometry, label)
    except DatasetError as failure:
        findings.append(error("label-grid", case.name, str(failure)))
    return values, findings


def _label_findings(name: str, values: frozenset[int], known: Collection[int]) -> Iterator[Finding]:
    if not values:
        yield warning("empty-label", name, "its label image holds nothing but background")
    unknown = sorted(values - set(known)) if known else []
    if unknown:
        yield error("unknown-label", name, f"it has the label {', '.join(map(str, unknown))}, which nothing names")


def _digest(volume: Volume) -> bytes:
    """Of the voxels in the patient's axes: a copy stored another way round, or as another type, is still a copy."""
    hashed = hashlib.blake2b(repr(volume.shape).encode(), digest_size=16)
    for channel in volume.voxels:
        hashed.update(np.ascontiguousarray(channel, np.float32).data)
    return hashed.digest()
