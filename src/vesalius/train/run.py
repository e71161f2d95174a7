"""From a recipe and data to a model folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vesalius.engine.progress import Listener, Progress
from vesalius.errors import UsageError
from vesalius.extras import require
from vesalius.train.data import Division, divide, open_dataset, refuse_unusable, with_fold
from vesalius.train.hardware import Hardware, launched
from vesalius.train.place import (
    CHECKPOINT,
    Result,
    check_place,
    clear_leftovers,
    keep_recipe,
    read_result,
)
from vesalius.train.place import FOLDER as FOLDER
from vesalius.train.recipe import Recipe
from vesalius.train.recipe_file import manifest_of, read_recipe
from vesalius.train.recipe_write import recipe_toml
from vesalius.train.watch import Unwatched, Watcher

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from vesalius.train.checkpoint import Checkpoint


@dataclass(frozen=True)
class Fold:
    """The part ``number``, from 0, of ``count`` is kept from training; None: of as many as the recipe says."""

    number: int
    count: int | None = None


@dataclass(frozen=True)
class Outcome:
    """The model folder, what its model came to, and whether it was trained now or had been finished before."""

    folder: Path
    result: Result
    trained: bool


@dataclass(frozen=True)
class _Work:
    """What is trained by what on what, into where."""

    recipe: Recipe
    written: Path  # the recipe's file
    manifest: Path | None
    division: Division
    cases: str
    out: Path


def train(
    recipe_path: Path,
    data: Path,
    out: Path,
    hardware: Hardware | None = None,
    watcher: Watcher | None = None,
    listener: Listener | None = None,
    fold: Fold | None = None,
) -> Outcome:
    """Make the model folder ``out`` by the recipe from ``data``; called again, it goes on from the last checkpoint.

    Once it is finished, a further call only reads the result; where nothing but the model card's words have changed in
    the recipe, it writes the model anew.

    Raises:
        RecipeError: the recipe has an unknown key or a value that cannot be, or ``out`` was begun by another one.
        DatasetError: the data are incomplete or contradict the recipe.
        OutputError: ``out`` holds something else.
        UsageError: there is no such device or fold.
        TrainingError: the loss is not a number.
        NotEnoughDiskError: a checkpoint could not be written.
        CancelledError: the watcher wanted it; a checkpoint is written.
    """
    work = _prepared(recipe_path, data, out, fold)
    checkpoint = _checkpoint(work)
    result = read_result(out)
    if result is not None and _is_finished(checkpoint, result, work.recipe):
        return Outcome(out, result, trained=False)
    fabric = launched(work.recipe, hardware or Hardware())
    if not fabric.is_global_zero:
        watcher = listener = None
    _train(fabric, work, checkpoint, watcher or Unwatched(), Progress(listener))
    fabric.barrier()
    result = read_result(out)
    if result is None:
        raise UsageError(f"{out} was changed by another program while the model was written to it; run it again")
    return Outcome(out, result, trained=True)


def _prepared(recipe_path: Path, data: Path, out: Path, fold: Fold | None) -> _Work:
    """Everything that can be found wrong before the first process starts."""
    from vesalius.train.checkpoint import cases_of

    recipe = read_recipe(recipe_path) if fold is None else _with_fold(read_recipe(recipe_path), fold)
    check_place(out)
    require("matplotlib", "train")
    manifest = manifest_of(recipe, recipe_path)
    dataset = open_dataset(data, manifest)
    division = divide(dataset, recipe.data)
    if fold is not None and any(case.split == "validation" for case in division.validation):
        raise UsageError(f"{data} brings its own cases to validate on, so there are no folds; leave out --fold")
    refuse_unusable(dataset, division, recipe)
    cases = cases_of(*([case.name for case in part] for part in (division.training, division.validation)))
    return _Work(recipe, recipe_path, manifest, division, cases, out)


def _with_fold(recipe: Recipe, fold: Fold) -> Recipe:
    """Raises `UsageError` where there is no such fold."""
    split = recipe.data.split.model_copy(update={"folds": fold.count or recipe.data.split.folds})
    data = recipe.data.model_copy(update={"split": split})
    return with_fold(recipe.model_copy(update={"data": data}), fold.number)


def _checkpoint(work: _Work) -> Checkpoint | None:
    """That of the training that goes on, if there is one; refused where it is of another."""
    from vesalius.train.checkpoint import check_same_training, load

    path = work.out / FOLDER / CHECKPOINT
    if not path.exists():
        return None
    checkpoint = load(path)
    check_same_training(checkpoint.state, work.recipe, work.cases, path)
    return checkpoint


def _is_finished(checkpoint: Checkpoint | None, result: Result, recipe: Recipe) -> bool:
    from vesalius.train.loop import has_ended

    ended = checkpoint is not None and has_ended(checkpoint.state, recipe)
    return ended and result.recipe == recipe.model_dump(mode="json")


def _train(fabric: Fabric, work: _Work, checkpoint: Checkpoint | None, watcher: Watcher, progress: Progress) -> None:
    """Prepare, train and write the model; all writing is the first process's."""
    from vesalius.train.checkpoint import State
    from vesalius.train.curves import draw_curves
    from vesalius.train.finish import finish
    from vesalius.train.loop import Loop
    from vesalius.train.parts import make_parts

    folder, recipe = work.out / FOLDER, work.recipe
    if fabric.is_global_zero:
        clear_leftovers(work.out)
        same = read_recipe(work.written) == recipe
        text = work.written.read_text(encoding="utf-8") if same else recipe_toml(recipe)
        keep_recipe(text, work.manifest, work.out)
    parts = make_parts(recipe, work.written.parent, work.division, folder, fabric.device, progress)
    state = State(recipe=recipe.model_dump(mode="json"), cases=work.cases)
    loop = Loop(fabric, recipe, parts, folder, watcher, state)
    if checkpoint is not None:
        loop.restore(checkpoint)
    try:
        network = loop.run()
    finally:
        if fabric.is_global_zero:
            draw_curves(folder, recipe.name)
    if fabric.is_global_zero:
        finish(network, loop, work.division, work.out)
