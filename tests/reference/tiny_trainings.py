"""Trainings of seconds: tiny cases whose label can be seen, a tiny network, and what becomes of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nibabel
import numpy as np
import torch
from PIL import Image

from vesalius.engine.progress import Progress
from vesalius.train.checkpoint import Checkpoint, State, load
from vesalius.train.data import divide, open_dataset
from vesalius.train.hardware import Hardware, launched
from vesalius.train.loop import Loop
from vesalius.train.parts import make_parts
from vesalius.train.place import CHECKPOINT
from vesalius.train.recipe import Recipe
from vesalius.train.recipe_write import recipe_toml
from vesalius.train.watch import Score, Unwatched

#: runs the installed command in another process; a training on several devices starts this file again
VESALIUS = [sys.executable, str(Path(sys.executable).with_name("vesalius"))]

_SEGMENT: dict[str, Any] = {
    "name": "tiny",
    "task": "segment",
    "labels": {1: {"name": "blob", "colour": "#e8a33d"}},
    "data": {
        "intensity": {"rule": "zscore"},
        "split": {"folds": 3},
        "grid": {"kind": "sliding", "patch": (8, 8, 8), "spacing": (1.0, 1.0, 1.0)},
    },
    "network": {
        "net": "residual-unet",
        "arguments": {"dims": 3, "channels": 1, "classes": 2, "width": 4, "depth": 2},
    },
    "loss": {"terms": {"cross-entropy": 1.0}},
    "training": {
        "steps": 6,
        "batch": 2,
        "learning_rate": 0.02,
        "warmup": 1,
        "validate_every": 3,
        "checkpoint_every": 2,
    },
    "origin": {"data": "the tests", "licence": "CC0-1.0"},
}


def segmenting(**changes: Any) -> Recipe:
    """A recipe; ``training__steps=3`` changes ``training.steps``."""
    content = deepcopy(_SEGMENT)
    for place, value in changes.items():
        *above, key = place.split("__")
        here = content
        for name in above:
            here = here.setdefault(name, {})
        here[key] = value
    return Recipe.model_validate(content)


def classifying(**changes: Any) -> Recipe:
    """A recipe for pictures of two classes, by a 2D network on one slice."""
    return segmenting(
        **{
            "task": "classify",
            "labels": {0: {"name": "dark", "colour": "#4c9f70"}, 1: {"name": "light", "colour": "#d1495b"}},
            "orientation": "LPS",
            "data__grid": {"kind": "whole", "size": (8, 8, 1)},
            "data__intensity": {"rule": "window", "low": 0.0, "high": 255.0, "deviation": 255.0},
            "network": {
                "net": "resnet",
                "planar": True,
                "arguments": {"dims": 2, "depth": 18, "channels": 1, "classes": 2},
            },
            **changes,
        }
    )


def reconstructing(**changes: Any) -> Recipe:
    """A recipe for an autoencoder with the encoder of `segmenting`'s network."""
    return segmenting(
        **{
            "task": "reconstruct",
            "labels": {},
            "network": {"net": "autoencoder", "arguments": {"dims": 3, "channels": 1, "width": 4, "depth": 2}},
            "corruption__kind": "mask",
            "loss__terms": {"mse": 1.0},
            **changes,
        }
    )


def write_cases(folder: Path, count: int = 6, shape: tuple[int, int, int] = (12, 11, 10), seed: int = 0) -> Path:
    """Noise with a bright cuboid, which is the label; images/ and labels/, by nibabel."""
    random = np.random.default_rng(seed)
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        label = np.zeros(shape, np.uint8)
        i, j, k = random.integers(1, 5, 3)
        label[i : i + 5, j : j + 4, k : k + 4] = 1
        image = (100 + 10 * random.normal(size=shape) + 60 * label).astype(np.float32)
        for part, voxels in (("images", image), ("labels", label)):
            nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), folder / part / f"case_{number}.nii.gz")
    return folder


def write_pictures(folder: Path, count: int = 12, seed: int = 0) -> Path:
    """A folder a class of 8×8 pictures, dark and light."""
    random = np.random.default_rng(seed)
    for number in range(count):
        kind = ("dark", "light")[number % 2]
        (folder / kind).mkdir(parents=True, exist_ok=True)
        pixels = random.normal(90 + 80 * (number % 2), 20, (8, 8)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / kind / f"{number:02}.png")
    return folder


def write_recipe(recipe: Recipe, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(recipe_toml(recipe), encoding="utf-8")
    return path


class Witness(Unwatched):
    """Keeps what it is told, and does ``at`` of the step it is told of."""

    def __init__(self, at: Callable[[int], None] = lambda _: None) -> None:
        self.at, self.began = at, -1
        self.losses: dict[int, float] = {}
        self.scores: dict[int, Score] = {}

    def started(self, step: int, steps: int) -> None:
        self.began = step

    def stepped(self, step: int, loss: float) -> None:
        self.losses[step] = loss
        self.at(step)

    def scored(self, step: int, score: Score) -> None:
        self.scores[step] = score


def make_loop(recipe: Recipe, data: Path, folder: Path, watcher: Unwatched | None = None) -> Loop:
    """The loop of a training into ``folder``, going on from the checkpoint there."""
    division = divide(open_dataset(data), recipe.data)
    fabric = launched(recipe, Hardware("cpu"))
    parts = make_parts(recipe, data, division, folder, fabric.device, Progress())
    loop = Loop(fabric, recipe, parts, folder, watcher or Unwatched(), State(recipe=recipe.model_dump(mode="json")))
    if (folder / CHECKPOINT).exists():
        loop.restore(load(folder / CHECKPOINT))
    return loop


def checkpoint_of(out: Path) -> Checkpoint:
    return load(out / "training" / CHECKPOINT)


def same_tensors(
    one: Checkpoint, other: Checkpoint, parts: Sequence[str] = ("network", "average", "optimiser")
) -> bool:
    """Bit by bit."""
    return all(
        one.parts[part].keys() == other.parts[part].keys()
        and all(torch.equal(tensor, other.parts[part][key]) for key, tensor in one.parts[part].items())
        for part in parts
    )


def largest_gap(one: Checkpoint, other: Checkpoint) -> float:
    """Between the weights of two networks."""
    return max(
        float((tensor - other.parts["network"][key]).abs().max()) for key, tensor in one.parts["network"].items()
    )


def place(tmp_path: Path, recipe: Recipe | None = None, count: int = 6) -> SimpleNamespace:
    """Data, a recipe's file and where the model goes."""
    return SimpleNamespace(
        data=write_cases(tmp_path / "data", count),
        recipe=write_recipe(recipe or segmenting(), tmp_path / "tiny.toml"),
        out=tmp_path / "model",
    )
