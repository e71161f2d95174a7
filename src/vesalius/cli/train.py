"""``vesalius train``: a recipe and data → a model folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vesalius.cli.training_display import one_voice, score_words, watching

if TYPE_CHECKING:
    from vesalius.train.hardware import Hardware
    from vesalius.train.run import Fold, Outcome

_ALL = "all"


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="The recipe, a TOML file.")],
    data: Annotated[Path, typer.Option(metavar="DATA", help="The folder or file of training data.")],
    out: Annotated[Path, typer.Option(metavar="MODEL", help="The model folder to make; run again, it goes on.")],
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    devices: Annotated[int, typer.Option(min=1, help="GPUs, or processes on the CPU.")] = 1,
    fold: Annotated[
        str | None,
        typer.Option(metavar="K", help="Keep fold K, from 0, from training; 'all': one model a fold, in MODEL."),
    ] = None,
    folds: Annotated[
        int | None, typer.Option(min=2, help="How many folds there are, if not the recipe's number.")
    ] = None,
) -> None:
    """Train a model; interrupted at any moment, the same command goes on from the last checkpoint."""
    from vesalius.train.hardware import Hardware

    hardware = Hardware(device, devices)
    with one_voice():
        if fold == _ALL:
            _train_all(recipe, data, out, hardware, folds)
        else:
            _say(_train(recipe, data, out, hardware, _fold(fold, folds)), data)


def _train(recipe: Path, data: Path, out: Path, hardware: Hardware, fold: Fold | None) -> Outcome:
    from vesalius.train.run import train as run

    with watching() as (listener, watcher):
        return run(recipe, data, out, hardware, watcher, listener, fold)


def _train_all(recipe: Path, data: Path, out: Path, hardware: Hardware, folds: int | None) -> None:
    """One model a fold, and what they came to."""
    from vesalius.train.folds import SUMMARY, check_folds_place, fold_folder, summarize
    from vesalius.train.recipe_file import read_recipe
    from vesalius.train.run import Fold

    check_folds_place(out)
    count = folds or read_recipe(recipe).data.split.folds
    outcomes = []
    for number in range(count):
        typer.echo(f"fold {number} of {count}", err=True)
        outcomes.append(_train(recipe, data, fold_folder(out, number), hardware, Fold(number, count)))
    found = summarize(outcomes, out)
    for outcome in outcomes:
        typer.echo(f"{outcome.folder}: {score_words(outcome.result.score)} on {outcome.result.on}")
    typer.echo(f"{found.metric} {found.mean:.4f} ± {found.deviation:.4f} over {count} folds; see {out / SUMMARY}")


def _fold(fold: str | None, folds: int | None) -> Fold | None:
    from vesalius.errors import UsageError
    from vesalius.train.run import Fold

    if fold is None:
        if folds is not None:
            raise UsageError("--folds says how many there are; name the one to keep from training: --fold 0, or all")
        return None
    if not fold.isdecimal():
        raise UsageError(f"--fold is the number of a fold, from 0, or 'all', not {fold!r}")
    return Fold(int(fold), folds)


def _say(outcome: Outcome, data: Path) -> None:
    """How good the model is, where it is, and what to do with it."""
    out, result = outcome.folder, outcome.result
    if not outcome.trained:
        typer.echo(f"{out} is finished, nothing was trained; give another --out to train anew")
    typer.echo(f"{score_words(result.score)} on {result.on}")
    if result.recipe["task"] == "reconstruct":
        typer.echo(f"The weights are in {out}; name it as network.start in a recipe to start from them")
    else:
        typer.echo(
            f"The model is {out}; measure it: vesalius evaluate {out} --data {data} --split validation --out DIR"
        )
