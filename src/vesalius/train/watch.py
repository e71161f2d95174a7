"""Whoever follows a training: a bar in the terminal, or nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Score:
    """A validation: one figure to choose by, higher is better, and the figures behind it by name."""

    metric: str
    value: float
    details: dict[str, float]


class Watcher(Protocol):
    """Is told what happens; `vesalius.errors.CancelledError` from ``stepped`` stops the training after a checkpoint."""

    def started(self, step: int, steps: int) -> None:
        """Training begins, or goes on, after ``step`` of ``steps``."""

    def stepped(self, step: int, loss: float) -> None:
        """A step is done."""

    def scored(self, step: int, score: Score) -> None:
        """The network was validated."""


class Unwatched:
    """Shows nothing."""

    def started(self, step: int, steps: int) -> None:
        """Nothing."""

    def stepped(self, step: int, loss: float) -> None:
        """Nothing."""

    def scored(self, step: int, score: Score) -> None:
        """Nothing."""
