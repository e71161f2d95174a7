"""``vesalius evaluate``: a model on labelled data → figures with their confidence, a table and plots."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vesalius.cli.analyze import Device, Engine, Precision
from vesalius.cli.evaluation_text import comparison_text, text
from vesalius.cli.progress import bar
from vesalius.cli.show import as_json

if TYPE_CHECKING:
    from vesalius.train.recipe import Split


class Part(StrEnum):
    """Which cases."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"
    ALL = "all"


def evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A shipped model's name, or a model folder.")],
    data: Annotated[Path, typer.Option(metavar="DATA", help="The folder or file of labelled data.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of evaluation.json, table.csv and the plots.")],
    split: Annotated[
        Part | None, typer.Option(help="Which cases; all by default, or validation with --fold.", show_default=False)
    ] = None,
    fold: Annotated[
        str | None, typer.Option(metavar="K/N", help="Fold K of N, from 0, of data without a split of their own.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The fold's seed, as the model card states it.")] = 0,
    manifest: Annotated[Path | None, typer.Option(metavar="FILE", help="A table of the cases in DATA.")] = None,
    tolerance: Annotated[float, typer.Option(metavar="MM", help="How far apart surfaces may be for NSD.")] = 1.0,
    voxel_auc: Annotated[bool, typer.Option("--voxel-auc", help="Rank voxels by probability, too.")] = False,
    against: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Another evaluation.json to compare with, case by case.")
    ] = None,
    engine: Annotated[Engine, typer.Option(help="What runs the network.")] = Engine.AUTO,
    precision: Annotated[Precision, typer.Option(help="Its arithmetic.")] = Precision.AUTO,
    device: Annotated[Device, typer.Option(help="Where it runs.")] = Device.AUTO,
    json: Annotated[bool, typer.Option("--json", help="Print evaluation.json.")] = False,
) -> None:
    """Measure how good a model is on labelled data."""
    from vesalius.engine.choose import EngineChoice
    from vesalius.train.evaluate.run import Options
    from vesalius.train.evaluate.run import evaluate as run
    from vesalius.train.evaluate.selection import Wanted

    chosen = None if fold is None else _fold(fold, seed)
    part = split or (Part.ALL if chosen is None else Part.VALIDATION)
    choice = EngineChoice(engine.value, precision.value, device.value)
    with bar() as listener:
        found = run(
            model,
            data,
            out=out,
            wanted=Wanted(part.value, chosen, manifest),
            options=Options(choice, tolerance, voxel_auc),
            against=against,
            listener=listener,
        )
    if json:
        typer.echo(as_json(found.model_dump(mode="json")))
    else:
        typer.echo(text(found))
        if found.comparison is not None:
            typer.echo(comparison_text(found.comparison))
        typer.echo(f"Everything is in {out}")
    if found.failures:
        raise typer.Exit(3)


def _fold(text: str, seed: int) -> Split:
    from pydantic import ValidationError

    from vesalius.errors import UsageError
    from vesalius.train.recipe import Split

    fold, _, folds = text.partition("/")
    try:
        split = Split(fold=int(fold), folds=int(folds), seed=seed)
    except (ValueError, ValidationError) as error:
        raise UsageError(f"--fold is K/N, such as 0/5, with N from 2 and K from 0, not {text!r}") from error
    if split.fold >= split.folds:
        raise UsageError(f"there is no fold {split.fold} of {split.folds}; they are numbered from 0")
    return split
