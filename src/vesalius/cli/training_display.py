"""What a training shows while it runs, and how Ctrl-C stops it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import typer

from vesalius.cli.progress import Bar
from vesalius.errors import CancelledError, VesaliusError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from vesalius.engine.progress import Listener
    from vesalius.train.watch import Score, Watcher

_KEPT = 0.95  # share of the loss shown that comes from the steps before


class Stop:
    """Ctrl-C while steps are made: the first waits for the end of the step, the second stops at once."""

    def __init__(self) -> None:
        self.training = self.asked = False

    def __call__(self, _signal: int, _frame: FrameType | None) -> None:
        """Handle the signal."""
        if self.asked or not self.training:
            raise KeyboardInterrupt
        self.asked = True
        typer.echo("stopping as soon as a checkpoint is written; Ctrl-C again stops at once", err=True)

    def check(self) -> None:
        """Raise `CancelledError` where it was asked for."""
        if self.asked:
            raise CancelledError("stopped")


class Lines:
    """One line a validation, where no bar can be drawn."""

    def __init__(self, stop: Stop) -> None:
        self._stop, self._steps = stop, 0

    def started(self, step: int, steps: int) -> None:
        """Say where work goes on."""
        self._stop.training, self._steps = True, steps
        if 0 < step < steps:
            typer.echo(f"going on after step {step} of {steps}", err=True)

    def stepped(self, step: int, loss: float) -> None:  # noqa: ARG002 -- the protocol's
        """Say nothing."""
        self._stop.check()

    def scored(self, step: int, score: Score) -> None:
        """Say how good the network is."""
        typer.echo(f"step {step} of {self._steps}: {score_words(score)}", err=True)


class TrainingBar:
    """Loss, score and time left."""

    def __init__(self, progress: Progress, stop: Stop) -> None:
        self._progress, self._stop = progress, stop
        self._task: TaskID | None = None
        self._loss: float | None = None
        self._score = ""

    def started(self, step: int, steps: int) -> None:
        """Draw the bar."""
        self._stop.training = True
        self._task = self._progress.add_task("training", total=steps, completed=step)

    def stepped(self, step: int, loss: float) -> None:
        """Move it."""
        self._loss = loss if self._loss is None else _KEPT * self._loss + (1 - _KEPT) * loss
        if self._task is not None:
            words = f"loss {self._loss:.3f}{self._score}"
            self._progress.update(self._task, completed=step, description=words)
        self._stop.check()

    def scored(self, step: int, score: Score) -> None:  # noqa: ARG002 -- the protocol's
        """Show the score from the next step on."""
        self._score = f" {score.metric} {score.value:.4f}"


@contextmanager
def watching() -> Iterator[tuple[Listener | None, Watcher]]:
    """Whoever shows the stages before the training, and the training: one bar on a terminal, else lines."""
    stop = Stop()
    before = signal.signal(signal.SIGINT, stop)
    try:
        with _shown(stop) as shown:
            yield shown
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _shown(stop: Stop) -> Iterator[tuple[Listener | None, Watcher]]:
    if not sys.stderr.isatty():
        yield None, Lines(stop)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Bar(progress), TrainingBar(progress, stop)


@contextmanager
def one_voice() -> Iterator[None]:
    """Keep all processes but the first one of a training on several devices quiet, and deaf to Ctrl-C.

    What stops them stops the first one too, which says it. They leave without an error then, as Lightning would kill
    the first process on one before it has spoken.
    """
    if os.environ.get("LOCAL_RANK", "0") == "0":
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        try:
            yield
        except VesaliusError as error:
            raise typer.Exit from error
        except Exception as error:
            if "--debug" in sys.argv:
                raise
            raise typer.Exit(1) from error


def score_words(score: Score) -> str:
    """The score and what is behind it."""
    details = ", ".join(f"{name} {value:.4f}" for name, value in score.details.items())
    return f"{score.metric} {score.value:.4f}" + (f" ({details})" if details else "")
