"""What the benchmarks of learning share: short trainings by recipe, of as many steps as fit in a budget of seconds."""

from __future__ import annotations

import csv
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vesalius.train.recipe import Recipe
from vesalius.train.recipe_file import read_recipe
from vesalius.train.run import FOLDER, train
from vesalius.train.watch import Score, Unwatched

DATA = Path(os.environ.get("VESALIUS_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
_PROBE, _WARM = 8, 3  # steps that are timed to plan a training, of which the first do not count

TRAINING = """
[training]
steps = {steps}
batch = {batch}
learning_rate = {rate}
warmup = 20
ema = 0.98
precision = "bf16-mixed"
validate_every = 100000
checkpoint_every = 100000
[origin]
data = "public"
licence = "see the model cards"
"""
"""The end of each recipe: a short training that is validated at its end only."""

HIPPOCAMPUS = (
    """
name = "bench"
task = "segment"
channels = ["T1"]
orientation = "RAS"
seed = {seed}
[labels.1]
name = "anterior"
colour = "#e8a33d"
[labels.2]
name = "posterior"
colour = "#3d8fe8"
[data]
intensity = {{ rule = "zscore" }}
{data}
[data.split]
folds = 5
fold = 0
seed = 0
[data.grid]
kind = "sliding"
patch = {patch}
spacing = [1.0, 1.0, 1.0]
overlap = 0.25
[network]
{network}
[[augment]]
kind = "flip"
axes = [0]
[[augment]]
kind = "affine"
probability = 0.8
degrees = 15.0
[[augment]]
kind = "gamma"
probability = 0.5
[loss]
terms = {{ dice = 1.0, cross-entropy = 1.0 }}
[post]
{post}
"""
    + TRAINING
)
"""A recipe; ``data`` and ``post`` are further lines of their tables, ``network`` the lines of its own."""


@dataclass
class Trained:
    """A finished short training: its recipe, model folder, steps, seconds a step and the last validation."""

    recipe: Recipe
    folder: Path
    steps: int
    seconds_a_step: float
    score: Score

    def figures(self) -> dict[str, Any]:
        """Plain figures for the table."""
        return {
            "steps": self.steps,
            "seconds_a_step": round(self.seconds_a_step, 4),
            self.score.metric: round(self.score.value, 4),
            **{name: round(value, 4) for name, value in self.score.details.items()},
        }


@dataclass
class _Last(Unwatched):
    scores: list[Score] = field(default_factory=list)

    def scored(self, step: int, score: Score) -> None:  # noqa: ARG002
        self.scores.append(score)


@contextmanager
def workplace() -> Iterator[Path]:
    """A folder for trainings, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="vesalius-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def steps_within(template: str, fields: dict[str, Any], data: Path, out: Path, seconds: float) -> int:
    """How many steps of ``template``, filled with ``fields``, fit in ``seconds``; measured beside ``out``."""
    probe = train_by(template, {**fields, "steps": _PROBE}, data, out.with_name(f"{out.name}-probe"))
    return max(10, round(seconds / probe.seconds_a_step))


def open_ended(recipe: str) -> str:
    """A recipe as a template with a place for its ``steps``, which is validated at the end only."""
    escaped = recipe.replace("{", "{{").replace("}", "}}")
    escaped = re.sub(r"^steps = \d+", "steps = {steps}", escaped, flags=re.MULTILINE)
    return re.sub(r"^(validate|checkpoint)_every = \d+", r"\1_every = 100000", escaped, flags=re.MULTILINE)


def train_by(template: str, fields: dict[str, Any], data: Path, out: Path) -> Trained:
    """Train by ``template`` filled with ``fields``, which name the steps, into ``out``; the recipe lies beside it."""
    path = out.with_suffix(".toml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(template.format(**fields), encoding="utf-8")
    watcher = _Last()
    train(path, data, out, watcher=watcher)
    return Trained(read_recipe(path), out, fields["steps"], _seconds_a_step(out / FOLDER), watcher.scores[-1])


def _seconds_a_step(folder: Path) -> float:
    """Of all but the first steps, in which memory is laid out."""
    with (folder / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    first, last = rows[min(_WARM, len(rows) - 2)], rows[-1]
    return (float(last["seconds"]) - float(first["seconds"])) / (int(last["step"]) - int(first["step"]))
