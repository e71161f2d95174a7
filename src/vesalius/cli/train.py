"""``vesalius train``: a recipe and data → a model folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vesalius.cli.progress import bar

if TYPE_CHECKING:
    from rich.progress import Progress

    from vesalius.train.watch import Score, Watcher


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="The recipe, a TOML file.")],
    data: Annotated[Path, typer.Option(metavar="DATA", help="The folder or file of training data.")],
    out: Annotated[Path, typer.Option(metavar="MODEL", help="The model folder to make; run again, it goes on.")],
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    devices: Annotated[int, typer.Option(min=1, help="GPUs, or processes on the CPU.")] = 1,
) -> None:
    """Train a model; interrupted at any moment, the same command goes on from the last checkpoint."""
    from vesalius.train.run import Hardware, train as run

    with bar() as listener, _training_bar() as watcher:
        folder = run(recipe, data, out, Hardware(device, devices), watcher, listener)
    typer.echo(f"{folder}: look at it with: vesalius models show {folder}")


class _Lines:
    """One line a validation, for a terminal's log and for files."""

    def started(self, step: int, steps: int) -> None:
        self._steps = steps
        if step:
            typer.echo(f"going on after step {step} of {steps}", err=True)

    def stepped(self, step: int, loss: float) -> None:
        pass

    def scored(self, step: int, score: Score) -> None:
        typer.echo(f"step {step} of {self._steps}: {_words(score)}", err=True)


class _Bar:
    """Loss, score and time left."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._loss, self._score = progress, float("nan"), ""

    def started(self, step: int, steps: int) -> None:
        self._task = self._progress.add_task("train", total=steps, completed=step)

    def stepped(self, step: int, loss: float) -> None:
        self._loss = loss if self._loss != self._loss else 0.95 * self._loss + 0.05 * loss
        self._progress.update(self._task, completed=step, description=f"loss {self._loss:.3f} {self._score}")

    def scored(self, step: int, score: Score) -> None:
        self._score = f"{score.metric} {score.value:.4f}"


@contextmanager
def _training_bar() -> Iterator[Watcher]:
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield _Bar(progress)


def _words(score: Score) -> str:
    details = ", ".join(f"{name} {value:.4f}" for name, value in score.details.items())
    return f"{score.metric} {score.value:.4f}" + (f" ({details})" if details else "")
