"""What a training leaves to look at while it runs: two CSV files and TensorBoard's events."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from vesalius.aside import aside, write_error
from vesalius.extras import require
from vesalius.train.watch import Score

LOSSES = "log.csv"
SCORES = "validation.csv"


class Logs:
    """Appends to ``log.csv`` (step, loss, learning_rate, seconds) and ``validation.csv`` (step, score, …).

    Rows after ``step``, the one that the training goes on from, belong to work that was lost and are taken out.

    Raises:
        NotEnoughDiskError: from every method, when the disk is full.
        OutputError: when the folder cannot be written to.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self._folder = folder
        writer = require("torch.utils.tensorboard", "train").SummaryWriter
        with _written(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for name in (LOSSES, SCORES):
                _keep_until(folder / name, step)
            self._board = writer(str(folder), purge_step=step + 1)

    def loss(self, step: int, loss: float, rate: float, seconds: float) -> None:
        """One step's."""
        row = (step, f"{loss:.6g}", f"{rate:.6g}", f"{seconds:.2f}")
        with _written(self._folder):
            _append(self._folder / LOSSES, ("step", "loss", "learning_rate", "seconds"), row)
            self._board.add_scalar("loss", loss, step)
            self._board.add_scalar("learning rate", rate, step)

    def score(self, step: int, score: Score) -> None:
        """One validation's."""
        figures = {score.metric: score.value, **score.details}
        row = (step, *(f"{value:.6g}" for value in figures.values()))
        with _written(self._folder):
            _append(self._folder / SCORES, ("step", *figures), row)
            for name, value in figures.items():
                self._board.add_scalar(f"validation/{name}", value, step)

    def close(self) -> None:
        """Flush the events."""
        with _written(self._folder):
            self._board.close()


@contextmanager
def _written(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise write_error(folder, error) from error


def _append(path: Path, heading: Sequence[str], row: Sequence[object]) -> None:
    fresh = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if fresh:
            writer.writerow(heading)
        writer.writerow(row)


def _keep_until(path: Path, step: int) -> None:
    if not path.exists():
        return
    with path.open(newline="") as file:
        heading, *rows = list(csv.reader(file)) or [[]]
    if not heading:  # ended before it was written
        path.unlink()
        return
    kept = [row for row in rows if len(row) == len(heading) and int(row[0]) <= step]
    with aside(path) as temporary, temporary.open("w", newline="") as file:
        csv.writer(file).writerows([heading, *kept])
