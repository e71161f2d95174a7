"""From a recipe and data to a model folder."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from vesalius.engine.progress import Listener, Progress
from vesalius.errors import UsageError
from vesalius.extras import require
from vesalius.models.spec import MeasuredScore
from vesalius.train.checkpoint import check_same_training, digest_of, load
from vesalius.train.data import Division, divide, open_dataset, refuse_unusable
from vesalius.train.recipe import Recipe
from vesalius.train.recipe_file import read_recipe
from vesalius.train.watch import Unwatched, Watcher

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from torch import nn

    from vesalius.train.loop import Loop

#: what a training leaves in its model folder, beside the model: its recipe, checkpoint, logs and curves
FOLDER = "training"


@dataclass(frozen=True)
class Hardware:
    """Where to train: ``device`` is auto, cpu or cuda; ``count`` GPUs, or processes on the CPU."""

    device: str = "auto"
    count: int = 1


def train(
    recipe_path: Path,
    data: Path,
    out: Path,
    hardware: Hardware | None = None,
    watcher: Watcher | None = None,
    listener: Listener | None = None,
) -> Path:
    """Make the model folder ``out`` by the recipe from ``data``; called again, it goes on from the last checkpoint.

    Raises:
        RecipeError: the recipe has an unknown key or a value that cannot be, or ``out`` was begun by another one.
        DatasetError: the data are incomplete or contradict the recipe.
        TrainingError: the loss is not a number.
        NotEnoughDiskError: a checkpoint could not be written.
    """
    recipe = read_recipe(recipe_path)
    manifest = None if recipe.data.manifest is None else recipe_path.parent / recipe.data.manifest
    dataset = open_dataset(data, manifest)
    division = divide(dataset, recipe.data)
    refuse_unusable(dataset, division, recipe)
    fabric = _fabric(recipe, hardware or Hardware())
    fabric.launch()
    progress = Progress(listener if fabric.is_global_zero else None)
    loop = _loop(fabric, recipe, recipe_path.parent, division, out / FOLDER, progress, watcher or Unwatched())
    if fabric.is_global_zero:
        _keep_recipe(recipe_path, manifest, out / FOLDER)
    network = loop.run()
    if fabric.is_global_zero:
        _finish(network, loop, recipe, division, out)
    fabric.barrier()
    return out


def _fabric(recipe: Recipe, hardware: Hardware) -> Fabric:
    """Lightning's Fabric, set to give the same result for the same seed.

    Raises:
        UsageError: there is no such device here.
    """
    lightning = require("lightning_fabric", "train")
    if hardware.device not in ("auto", "cpu", "cuda"):
        raise UsageError(f"--device is auto, cpu or cuda, not {hardware.device}")
    strategy = "ddp" if hardware.count > 1 else "auto"
    try:
        fabric = lightning.Fabric(
            accelerator=hardware.device,
            devices=hardware.count,
            strategy=strategy,
            precision=recipe.training.precision,
        )
    except (ValueError, RuntimeError, lightning.utilities.exceptions.MisconfigurationException) as error:
        raise UsageError(f"this machine cannot train so: {str(error).strip().splitlines()[0]}") from error
    fabric.seed_everything(recipe.seed, verbose=False)
    torch = require("torch", "train")
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    return cast("Fabric", fabric)


def _loop(
    fabric: Fabric,
    recipe: Recipe,
    beside: Path,
    division: Division,
    folder: Path,
    progress: Progress,
    watcher: Watcher,
) -> Loop:
    """The loop, restored from the folder's checkpoint where there is one."""
    from vesalius.train.loop import CHECKPOINT, Loop
    from vesalius.train.parts import make_parts

    cases = digest_of([case.name for case in (*division.training, *division.validation)])
    checkpoint = load(folder / CHECKPOINT) if (folder / CHECKPOINT).exists() else None
    if checkpoint is not None:
        check_same_training(checkpoint.state, recipe, cases, folder / CHECKPOINT)
    parts = make_parts(recipe, beside, division, folder, fabric.device, progress)
    loop = Loop(fabric, recipe, parts, folder, watcher)
    loop.state.cases = cases
    if checkpoint is not None:
        loop.restore(checkpoint)
    return loop


def _finish(network: nn.Module, loop: Loop, recipe: Recipe, division: Division, out: Path) -> None:
    """Calibrate, export and draw the curves."""
    from vesalius.train.export import export

    score, decision = loop.parts.judge.score(network), loop.parts.judge.decision(network)
    command = f"vesalius evaluate {recipe.name} --data DATA"
    on = f"{len(division.validation)} validation cases"
    scores = tuple(
        MeasuredScore(metric=name, value=round(value, 4), on=on, command=command)
        for name, value in {score.metric: score.value, **score.details}.items()
    )
    golden = loop.parts.sampler.draw(0, 0, 1, loop.device)
    export(network.cpu(), recipe, golden, out, division.words, scores, decision)


def _keep_recipe(recipe_path: Path, manifest: Path | None, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(recipe_path, folder / "recipe.toml")
    if manifest is not None:
        shutil.copyfile(manifest, folder / manifest.name)
