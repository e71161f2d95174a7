"""The progress of long work on a terminal: the stage, a bar and the time left."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

    from vesalius.engine.progress import Listener


class Bar:
    """A `vesalius.engine.progress.Listener` that draws one bar a stage; a finished stage leaves nothing behind."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks = [progress.add_task("starting", total=None)]

    def started(self, stage: str, steps: int) -> None:
        """Draw a bar of ``steps`` steps; one of a single step only pulses, its end cannot be told."""
        self._progress.update(self._tasks[0], visible=False)
        self._tasks.append(self._progress.add_task(stage, total=steps if steps > 1 else None))

    def advanced(self, steps: int) -> None:
        """Move the bar."""
        self._progress.advance(self._tasks[-1], steps)

    def finished(self) -> None:
        """Take the bar away."""
        self._progress.remove_task(self._tasks.pop())


@contextmanager
def bar() -> Iterator[Listener | None]:
    """A listener that draws on standard error, or None where that is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(elapsed_when_finished=True))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Bar(progress)
