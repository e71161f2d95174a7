"""The course of a training as a picture, from what it has logged."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vesalius.aside import aside
from vesalius.train.evaluate.plots.figure import ACCENT, COLOUR, QUIET, dressed, figure
from vesalius.train.logs import LOSSES, SCORES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]
CURVES = "curves.png"
_WINDOWS = 40  # the loss is averaged over this share of the steps
_MOST_DETAILS = 6  # more lines than these cannot be told apart


def draw_curves(folder: Path, title: str) -> None:
    """Write curves.png into the ``folder`` of a training's logs: loss and validation over the steps.

    Nothing is drawn before the first step.

    Raises:
        MissingExtraError: matplotlib is not installed.
        NotEnoughDiskError: the disk is full.
    """
    losses = _columns(folder / LOSSES)
    if not losses:
        return
    with aside(folder / CURVES) as temporary, figure(temporary, title, 8, 6) as drawn:
        upper, lower = drawn.subplots(2, 1, sharex=True)
        _draw_loss(upper, losses["step"], losses["loss"])
        _draw_scores(lower, _columns(folder / SCORES))


def smoothed(values: Floats, window: int) -> Floats:
    """The mean of the ``window`` values around each, of those there are at both ends."""
    kernel = np.ones(min(window, len(values)))
    means: Floats = np.convolve(values, kernel, "same") / np.convolve(np.ones(len(values)), kernel, "same")
    return means


def _draw_loss(axes: Axes, steps: Floats, loss: Floats) -> None:
    low, high = np.quantile(loss, (0, 0.995))  # a single wild step would flatten all others
    mean = smoothed(loss.clip(max=high), 1 + len(loss) // _WINDOWS)
    axes.plot(steps, loss, color=QUIET, linewidth=0.5, alpha=0.5, label="each step")
    axes.plot(steps, mean, color=COLOUR, linewidth=1.6, label="smoothed")
    axes.legend(frameon=False, fontsize=8)
    room = 0.05 * max(high - low, 1e-6)
    dressed(axes, "", "loss", ylim=(low - room, high + room))


def _draw_scores(axes: Axes, scores: dict[str, Floats]) -> None:
    if not scores:
        dressed(axes, "step", "validation")
        axes.text(0.5, 0.5, "not validated yet", transform=axes.transAxes, ha="center", color=QUIET)
        return
    steps, metric, *details = scores
    for name in details if len(details) <= _MOST_DETAILS else ():
        axes.plot(scores[steps], scores[name], linewidth=1, alpha=0.7, label=name)
    axes.plot(scores[steps], scores[metric], color=COLOUR, linewidth=1.8, marker="o", markersize=3, label=metric)
    best = int(np.argmax(scores[metric]))
    place, value = scores[steps][best], scores[metric][best]
    axes.plot(place, value, "o", color=ACCENT, markersize=6, label=f"best: {value:.4g} at step {place:g}")
    axes.legend(frameon=False, fontsize=8)
    dressed(axes, "step", f"validation {metric}")


def _columns(path: Path) -> dict[str, Floats]:
    """The columns of a log by name; empty where there is none."""
    if not path.is_file():
        return {}
    with path.open(newline="") as file:
        heading, *rows = csv.reader(file)
    return {name: np.array([float(row[place]) for row in rows]) for place, name in enumerate(heading) if rows}
