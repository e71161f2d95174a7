"""Which of the model's labels, or classes, a number in the data stands for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vesalius.errors import DatasetError
from vesalius.models.spec import ModelSpec
from vesalius.train.data import Dataset
from vesalius.volume import Array


def model_values(dataset: Dataset, spec: ModelSpec) -> Mapping[int, int]:
    """The data's numbers → the model's, those that differ.

    Where the data name their labels and the model has all these names, the names count, else the numbers.

    Raises:
        DatasetError: some names are the model's, but for other numbers, and others are not.
    """
    numbers = {label.name.casefold(): value for value, label in spec.labels.items()}
    named = {value: name.casefold() for value, name in dataset.classes.items() if value or spec.task == "classify"}
    shared = {value: numbers[name] for value, name in named.items() if name in numbers}
    moved = {value: number for value, number in shared.items() if value != number}
    if moved and len(shared) < len(named):
        names = ", ".join(f"{value} {name}" for value, name in dataset.classes.items())
        own = ", ".join(f"{value} {label.name}" for value, label in spec.labels.items())
        raise DatasetError(
            f"{dataset.path} has the labels {names}, the model {own}: they cannot be told which is which"
        )
    return moved


def renumbered(voxels: Array, values: Mapping[int, int]) -> Array:
    """``voxels`` of unsigned integers, with other numbers for those that `model_values` names."""
    if not values:
        return voxels
    table = np.arange(max(int(voxels.max()), *values) + 1, dtype=np.uint16)
    table[list(values)] = list(values.values())
    return table[voxels]
