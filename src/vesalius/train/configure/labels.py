"""The labels or classes, and how large a label usually is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vesalius.errors import DatasetError
from vesalius.models.spec import LabelPlausibility
from vesalius.results import Label, palette_colour
from vesalius.train.configure.cost import Task
from vesalius.train.fingerprint import Fingerprint

_ENOUGH = 10  # cases from which their volumes say what is usual


def task_of(data: Fingerprint) -> Task:
    """What the data can teach.

    Raises:
        DatasetError: they have neither labels nor classes.
    """
    if data.label_counts:
        return "segment"
    if data.class_counts:
        return "classify"
    raise DatasetError("the cases have neither labels nor classes, so there is nothing to learn from them")


def labels_of(data: Fingerprint, task: Task) -> dict[int, Label]:
    """The labels from 1 or the classes from 0, with the data's names where they give any.

    Raises:
        DatasetError: the cases have none of the task's, only one class, or numbers with gaps.
    """
    found, first = (data.label_counts, 1) if task == "segment" else (data.class_counts, 0)
    if not found:
        raise DatasetError(f"the cases have no {'labels' if first else 'classes'}, which the task {task} needs")
    values = sorted({*found, *(value for value in data.classes if value >= first)})
    if values != list(range(first, first + len(values))):
        raise DatasetError(
            f"the numbers {_listed(values)} have gaps; a recipe numbers from {first}: renumber them first"
        )
    if len(values) < 2 - first:
        raise DatasetError("all cases are of one class, so there is nothing to tell apart")
    default = "label" if first else "class"
    return {
        value: Label(name=data.classes.get(value, f"{default} {value}"), colour=palette_colour(value + 1 - first))
        for value in values
    }


def plausibility(data: Fingerprint, labels: Mapping[int, Label]) -> dict[str, LabelPlausibility]:
    """The usual volume of each label that every case has, where there are enough of them."""
    if data.kind == "picture" or len(data.cases) < _ENOUGH or not all(case.placed for case in data.cases):
        return {}
    usual = {}
    for value, label in labels.items():
        volumes = [case.volumes_ml.get(value, 0.0) for case in data.cases]
        if min(volumes) > 0:
            bounds = (float(f"{min(volumes) / 1.5:.3g}"), float(f"{1.5 * max(volumes):.3g}"))
            basis = f"two thirds of the smallest to one and a half times the largest of {len(volumes)} training cases"
            usual[label.name] = LabelPlausibility(volume_ml=bounds, volume_basis=basis)
    return usual


def _listed(values: Iterable[int]) -> str:
    return ", ".join(map(str, values))
