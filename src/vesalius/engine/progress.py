"""Stages of the work: shown while they run, timed, and the places where it may be stopped."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from vesalius.results import Stage


class Listener(Protocol):
    """Whoever shows the progress: a bar in the terminal, an event stream, or nobody.

    A listener may raise `vesalius.errors.CancelledError` from ``advanced`` to stop the work there.
    """

    def started(self, stage: str, steps: int) -> None:
        """A stage of that many steps begins."""

    def advanced(self, steps: int) -> None:
        """That many steps of the stage are done."""

    def finished(self) -> None:
        """The stage is over, also when it failed."""


class Silent:
    """A listener that shows nothing."""

    def started(self, stage: str, steps: int) -> None:
        """Nothing."""

    def advanced(self, steps: int) -> None:
        """Nothing."""

    def finished(self) -> None:
        """Nothing."""


class Progress:
    """Times the stages of one analysis and passes them on to a listener."""

    def __init__(self, listener: Listener | None = None) -> None:
        self._listener: Listener = listener or Silent()
        self._start = time.perf_counter()
        self.stages: list[Stage] = []

    @contextmanager
    def stage(self, name: str, steps: int = 1) -> Iterator[None]:
        """Run the body as the stage ``name``; its wall-clock time is kept in ``stages``."""
        self._listener.started(name, steps)
        try:
            with self.aside(name):
                yield
        finally:
            self._listener.finished()

    @contextmanager
    def aside(self, name: str) -> Iterator[None]:
        """Time the body as the stage ``name`` without showing it: it runs in a thread beside the stages that are."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.stages.append(Stage(name=name, seconds=round(time.perf_counter() - start, 4)))

    def seconds(self) -> float:
        """Since the progress began."""
        return round(time.perf_counter() - self._start, 4)

    def advance(self, steps: int = 1) -> None:
        """Some steps of the current stage are done; the listener may stop the work here."""
        self._listener.advanced(steps)
