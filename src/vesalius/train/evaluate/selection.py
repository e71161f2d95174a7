"""Which cases of a data set are evaluated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vesalius.errors import DatasetError, UsageError
from vesalius.models.folder import ModelFolder
from vesalius.train.data import Case, Dataset, divide, open_dataset
from vesalius.train.evaluate.records import DataRecord
from vesalius.train.recipe import Data, Split

Part = Literal["train", "validation", "test", "all"]


@dataclass(frozen=True)
class Wanted:
    """What the user asked for; ``split`` has the fold that a card states, of data without a split of their own."""

    part: Part = "all"
    split: Split | None = None
    manifest: Path | None = None


@dataclass(frozen=True)
class Selected:
    """The cases of ``dataset`` to evaluate, and how they came about."""

    dataset: Dataset
    cases: tuple[Case, ...]
    record: DataRecord


def select(data: Path, wanted: Wanted, folder: ModelFolder) -> Selected:
    """The cases at ``data`` that are ``wanted``.

    The training and validation cases of a model that was trained here are those of its recipe, which lies in its
    folder; those of others are the data's own split, or the fold that is asked for.

    Raises:
        DatasetError: nothing is there, in no layout that we know, or the part has no case.
        UsageError: the data do not say which cases are in the part.
    """
    asks_model = wanted.part in ("train", "validation") and wanted.split is None
    trained, manifest = (_trained(folder) if asks_model else None) or (None, None)
    dataset = open_dataset(data, wanted.manifest or manifest)
    cases, split, words = _part(dataset, wanted, trained or _folded(wanted.split, folder))
    if not cases:
        named = "" if wanted.part == "all" else f"{wanted.part} "
        raise DatasetError(f"{data} has no {named}cases; see: vesalius data check")
    fold = {} if split is None else {"fold": split.fold, "folds": split.folds, "seed": split.seed}
    record = DataRecord(path=str(data), layout=dataset.layout, part=wanted.part, words=words, **fold)
    return Selected(dataset, cases, record)


def _part(dataset: Dataset, wanted: Wanted, division: Data | None) -> tuple[tuple[Case, ...], Split | None, str]:
    """The cases, the fold that they are of, and words on it."""
    own = any(case.split for case in dataset.cases)
    if wanted.split is not None and (own or wanted.part not in ("train", "validation")):
        reason = "the data bring a split of their own" if own else f"a fold has no part {wanted.part!r}"
        raise UsageError(f"a fold cannot be taken: {reason}; leave out --fold, or ask for --split validation")
    if wanted.part == "all":
        return dataset.cases, None, "all cases"
    if division is not None:
        divided = divide(dataset, division)
        cases = divided.training if wanted.part == "train" else divided.validation
        return cases, None if own else division.split, divided.words
    if not own:
        raise UsageError(
            f"the data at {dataset.path} do not say which cases are for {wanted.part}; name the fold and the seed that "
            "the model card states, such as --fold 0/5 --seed 0"
        )
    return tuple(case for case in dataset.cases if case.split == wanted.part), None, "the data's own split"


def _folded(split: Split | None, folder: ModelFolder) -> Data | None:
    return None if split is None else Data(split=split, grid=folder.spec.network.grid)


def _trained(folder: ModelFolder) -> tuple[Data, Path | None] | None:
    """How the data were divided by the recipe that training has left in the model folder, and its manifest there."""
    from vesalius.train.recipe_file import read_recipe
    from vesalius.train.run import FOLDER

    path = folder.path / FOLDER / "recipe.toml"
    if not path.is_file():
        return None
    data = read_recipe(path).data
    return data, None if data.manifest is None else path.parent / data.manifest
