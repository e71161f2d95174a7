"""What is done once a network is trained: it is measured as it is shipped, and written as a model folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vesalius.models.spec import MeasuredScore
from vesalius.train.data import Division
from vesalius.train.export import export, shipped
from vesalius.train.loop import Loop
from vesalius.train.place import Result, write_result
from vesalius.train.recipe import Recipe

if TYPE_CHECKING:
    from torch import nn


def finish(network: nn.Module, loop: Loop, division: Division, out: Path) -> None:
    """Measure ``network`` with its flips, settle how it decides, write the model folder ``out``, and say that it is."""
    recipe = loop.recipe
    score, decision = loop.parts.judge.verdict(shipped(network, recipe))
    on, command = f"{len(division.validation)} validation cases", _evaluation(recipe, division)
    scores = tuple(
        MeasuredScore(metric=name, value=round(value, 4), on=on, command=command)
        for name, value in {score.metric: score.value, **score.details}.items()
    )
    golden = loop.parts.sampler.draw(0, 0, 1, loop.device)
    export(network.cpu(), recipe, golden, out, division.words, scores, decision)
    write_result(Result(score, on, recipe.model_dump(mode="json")), out)


def _evaluation(recipe: Recipe, division: Division) -> str:
    """The command that measures the model again, also where it is shipped without the folder of its training."""
    split, manifest = recipe.data.split, recipe.data.manifest
    own = any(case.split for case in division.validation)
    which = "--split validation" if own else f"--fold {split.fold}/{split.folds} --seed {split.seed}"
    named = "" if manifest is None else f" --manifest {manifest}"
    return f"vesalius evaluate {recipe.name} --data DATA{named} {which} --out DIR"
