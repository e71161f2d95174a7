"""Puts the rules together to a recipe."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vesalius.errors import DatasetError
from vesalius.train.configure.augment import augmentations
from vesalius.train.configure.classifying import classifying
from vesalius.train.configure.cost import Task
from vesalius.train.configure.intensity import intensity
from vesalius.train.configure.labels import labels_of, plausibility, task_of
from vesalius.train.configure.layout import layout
from vesalius.train.configure.machine import Machine
from vesalius.train.configure.provenance import channels_of, modality_of, origin_of
from vesalius.train.configure.schedule import Wishes, training_of
from vesalius.train.configure.segmenting import segmenting
from vesalius.train.fingerprint import Fingerprint
from vesalius.train.recipe import Data, Loss, Recipe, Split
from vesalius.train.recipe_write import recipe_toml


@dataclass(frozen=True)
class Proposal:
    """A recipe, and place → what the value there rests on, as `vesalius.train.recipe_write.recipe_toml` takes it."""

    recipe: Recipe
    reasons: Mapping[str, str]
    heading: str

    def toml(self) -> str:
        """The recipe with its reasons as comments."""
        return recipe_toml(self.recipe, self.reasons, self.heading)


def propose(data: Fingerprint, wishes: Wishes, machine: Machine) -> Proposal:
    """A recipe for ``data`` on ``machine``.

    Raises:
        DatasetError: the data cannot teach the task.
        NotEnoughMemoryError: not even the smallest network input fits.
    """
    task = wishes.task or task_of(data)
    labels, seen = labels_of(data, task), layout(data)
    names = [label.name for label in labels.values()]
    loss = Loss(terms={"dice": 1.0, "cross-entropy": 1.0} if task == "segment" else {"cross-entropy": 1.0})
    fitting = segmenting if task == "segment" else classifying
    fit = fitting(data, seen, len(labels) + (task == "segment"), loss, machine)
    values, why_values = intensity(data)
    size = fit.grid.patch if fit.grid.kind == "sliding" else fit.grid.size
    augment, why_augment = augmentations(data, seen, size, names)
    folds, why_folds = _split(data)
    training, why_training = training_of(data, fit, wishes, machine)
    origin, why_origin = origin_of(data, wishes.name)
    recipe = Recipe(
        name=_slug(wishes.name),
        task=task,
        modality=modality_of(data),
        channels=channels_of(data),
        orientation=seen.orientation,
        labels=labels,
        data=Data(split=folds, grid=fit.grid, intensity=values),
        network=fit.work.network,
        augment=augment,
        loss=loss,
        training=training,
        plausibility=plausibility(data, labels) if task == "segment" else {},
        origin=origin,
    )
    reasons = {"data.intensity": why_values, "labels": _counts(data, labels, task)}
    reasons |= {**why_augment, **seen.reasons, **fit.reasons, **why_folds, **why_training, **why_origin}
    return Proposal(recipe, {place: reason for place, reason in reasons.items() if reason}, _heading(data, machine))


def _split(data: Fingerprint) -> tuple[Split, dict[str, str]]:
    """Five folds, or one a patient where there are fewer."""
    patients = len({case.patient for case in data.cases})
    if data.divided or patients >= Split().folds:
        return Split(), {}
    if patients < 2:
        raise DatasetError("all cases are one patient's, so none is left to measure by; more patients are needed")
    return Split(folds=patients), {"data.split.folds": f"there are only {patients} patients"}


def _counts(data: Fingerprint, labels: Mapping[int, Any], task: Task) -> str:
    found = data.label_counts if task == "segment" else data.class_counts
    told = ", ".join(f"{value}: {found.get(value, 0)}" for value in labels)
    return f"Of {len(data.cases)} cases have them: {told}" if task == "segment" else f"Cases of each: {told}"


def _heading(data: Fingerprint, machine: Machine) -> str:
    return (
        f"Derived from {len(data.cases)} cases for {machine} with {machine.memory_bytes / 1e9:.3g} GB to train in.\n"
        "Comments say what a value rests on. Read it and change what you know better, then run:\n"
        "vesalius train RECIPE --data DATA --out MODEL"
    )


def _slug(name: str) -> str:
    slug = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")
    return slug or "model"
