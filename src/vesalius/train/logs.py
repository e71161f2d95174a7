"""What a training leaves to look at: two CSV files, TensorBoard events, and the curves as a picture."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from vesalius.aside import aside
from vesalius.extras import require
from vesalius.train.watch import Score

LOSSES = "log.csv"
SCORES = "validation.csv"


class Logs:
    """Appends to ``log.csv`` (step, loss, learning_rate, seconds) and ``validation.csv`` (step, score, …).

    Rows after ``step``, the one that the training goes on from, belong to work that was lost and are taken out.
    """

    def __init__(self, folder: Path, step: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        for name in (LOSSES, SCORES):
            _keep_until(folder / name, step)
        writer = require("torch.utils.tensorboard", "train").SummaryWriter
        self._board = writer(str(folder), purge_step=step + 1)

    def loss(self, step: int, loss: float, rate: float, seconds: float) -> None:
        """One step's."""
        row = (step, f"{loss:.6g}", f"{rate:.6g}", f"{seconds:.2f}")
        _append(self._folder / LOSSES, ("step", "loss", "learning_rate", "seconds"), row)
        self._board.add_scalar("loss", loss, step)
        self._board.add_scalar("learning rate", rate, step)

    def score(self, step: int, score: Score) -> None:
        """One validation's."""
        row = (step, *(f"{value:.6g}" for value in (score.value, *score.details.values())))
        _append(self._folder / SCORES, ("step", score.metric, *score.details), row)
        for name, value in {score.metric: score.value, **score.details}.items():
            self._board.add_scalar(f"validation/{name}", value, step)

    def close(self) -> None:
        """Flush the events."""
        self._board.close()


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
    kept = [row for row in rows if len(row) == len(heading) and int(row[0]) <= step]
    with aside(path) as temporary, temporary.open("w", newline="") as file:
        csv.writer(file).writerows([heading, *kept])
