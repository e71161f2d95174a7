"""Which cases are trained on and which are kept to choose and to measure by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vesalius.errors import DatasetError
from vesalius.train.data.case import Case, Dataset
from vesalius.train.recipe import Data


@dataclass(frozen=True)
class Division:
    """Disjoint cases, whole patients each; ``words`` say how they came about, for the model card."""

    training: tuple[Case, ...]
    validation: tuple[Case, ...]
    words: str


def divide(dataset: Dataset, data: Data) -> Division:
    """The data's own split where they bring one, else the recipe's fold of the patients; test cases are never used.

    Raises:
        DatasetError: a part is empty.
    """
    cases = [case for case in dataset.cases if case.split != "test"]
    if any(case.split for case in cases):
        training = [case for case in cases if case.split == "train"]
        validation = [case for case in cases if case.split == "validation"]
        how = "the data's own split"
    else:
        kept = _fold([case.patient for case in cases], data)
        training = [case for case in cases if case.patient not in kept]
        validation = [case for case in cases if case.patient in kept]
        split = data.split
        how = f"fold {split.fold} of {split.folds} of the patients, shuffled with seed {split.seed}"
    training = _limited(training, data)
    if not training or not validation:
        raise DatasetError(
            f"{dataset.path} gives {len(training)} case(s) to train on and {len(validation)} to validate on; both need "
            "at least one: see vesalius data check"
        )
    words = f"{len(training)} cases to train on, {len(validation)} to validate on: {how}"
    return Division(tuple(training), tuple(validation), words)


def _fold(patients: Sequence[str], data: Data) -> set[str]:
    """The patients of the fold, whatever the order of the files."""
    split = data.split
    if split.fold >= split.folds:
        raise DatasetError(f"there is no fold {split.fold} of {split.folds}; they are numbered from 0")
    distinct = sorted(set(patients))
    shuffled = [distinct[place] for place in np.random.default_rng(split.seed).permutation(len(distinct))]
    return set(shuffled[split.fold :: split.folds])


def _limited(cases: list[Case], data: Data) -> list[Case]:
    if data.training_cases is None or data.training_cases >= len(cases):
        return cases
    chosen = np.random.default_rng(data.split.seed).permutation(len(cases))[: data.training_cases]
    return [cases[place] for place in sorted(chosen.tolist())]
