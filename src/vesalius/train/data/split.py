"""Which cases are trained on and which are kept to choose and to measure by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vesalius.errors import DatasetError, UsageError
from vesalius.train.data.case import Case, Dataset
from vesalius.train.recipe import Data, Recipe, Split


@dataclass(frozen=True)
class Division:
    """Disjoint cases, whole patients each; ``words`` say how they came about, for the model card."""

    training: tuple[Case, ...]
    validation: tuple[Case, ...]
    words: str


def divide(dataset: Dataset, data: Data) -> Division:
    """The data's own split where they bring one, else the recipe's fold of the patients; test cases are never used.

    Where the data set test cases apart but none to validate on, the fold is taken of those to train on.

    Raises:
        DatasetError: some cases have a split and others none, or a part is empty.
    """
    cases = [case for case in dataset.cases if case.split != "test"]
    own = {case.split for case in cases}
    if len(own) > 1 and "" in own:
        without = next(case.name for case in cases if not case.split)
        raise DatasetError(f"{dataset.path}: the case {without} has no split, others have; give every case one")
    if "validation" in own:
        training = [case for case in cases if case.split == "train"]
        validation, how = [case for case in cases if case.split == "validation"], "the data's own split"
    else:
        training, validation = _folded(dataset, cases, data.split)
        whose = "of the data's own part for training" if "train" in own else "of the patients"
        how = f"fold {data.split.fold} of {data.split.folds} {whose}, shuffled with seed {data.split.seed}"
    training = _limited(training, data)
    if not training or not validation:
        raise DatasetError(
            f"{dataset.path} gives {_count(len(training))} to train on and {_count(len(validation))} to validate on; "
            "both need at least one"
        )
    words = f"{_count(len(training))} to train on, {_count(len(validation))} to validate on: {how}"
    return Division(tuple(training), tuple(validation), words)


def with_fold(recipe: Recipe, fold: int) -> Recipe:
    """``recipe`` with another of its folds kept from training; a split that the data bring goes before it.

    Raises:
        UsageError: the recipe has no such fold.
    """
    split = recipe.data.split
    if not 0 <= fold < split.folds:
        raise UsageError(f"there is no fold {fold}; the recipe makes {split.folds}, numbered from 0")
    data = recipe.data.model_copy(update={"split": split.model_copy(update={"fold": fold})})
    return recipe.model_copy(update={"data": data})


def _folded(dataset: Dataset, cases: Sequence[Case], split: Split) -> tuple[list[Case], list[Case]]:
    """To train on and to validate on; patients are divided the same way whatever the order of the files."""
    patients = sorted({case.patient for case in cases})
    if len(patients) < 2:
        raise DatasetError(
            f"{dataset.path} has {_count(len(cases))} of {len(patients)} patient(s) to learn from; at least two "
            "patients are needed, one of them to validate on"
        )
    shuffled = [patients[place] for place in np.random.default_rng(split.seed).permutation(len(patients))]
    kept = set(shuffled[split.fold :: split.folds])
    if not kept:
        raise DatasetError(
            f"{dataset.path} has {len(patients)} patients, too few for fold {split.fold} of {split.folds}; set "
            f"data.split.folds to {len(patients)} or less"
        )
    return [case for case in cases if case.patient not in kept], [case for case in cases if case.patient in kept]


def _limited(cases: list[Case], data: Data) -> list[Case]:
    """So many of the cases; those of a smaller number are among those of a larger one."""
    if data.training_cases is None or data.training_cases >= len(cases):
        return cases
    chosen = np.random.default_rng(data.split.seed).permutation(len(cases))[: data.training_cases]
    return [cases[place] for place in sorted(chosen.tolist())]


def _count(number: int) -> str:
    return "1 case" if number == 1 else f"{number} cases"
