"""Dice of every case, and how far the volumes are off."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vesalius.train.evaluate.plots.figure import ACCENT, COLOUR, QUIET, dressed, figure
from vesalius.train.evaluate.records import Segmentations

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]
_MOST_PANELS = 12
_COLUMNS = 3
_LIMITS = 1.96  # standard deviations that hold 95 % of normal differences


def draw_segmentations(found: Segmentations, title: str, folder: Path) -> None:
    """Write dice.png and volumes.png; only labels that a case has are drawn."""
    labels = [label for label in found.labels if "dice" in found.labels[label]]
    if labels:
        _draw_dice(found, labels, title, folder / "dice.png")
        _draw_volumes(found, labels, title, folder / "volumes.png")


def _draw_dice(found: Segmentations, labels: list[str], title: str, path: Path) -> None:
    """A box a label, quartiles with whiskers of 1.5 times their distance, and a point a case."""
    rows = [_figures(found, label, "dice") for label in labels]
    with figure(path, f"{title}: Dice of {len(found.cases)} cases", 7, 1.5 + 0.45 * len(labels)) as drawn:
        axes = drawn.subplots()
        axes.boxplot(
            rows,
            orientation="horizontal",
            widths=0.6,
            showfliers=False,
            medianprops={"color": ACCENT, "linewidth": 1.6},
            boxprops={"color": QUIET},
            whiskerprops={"color": QUIET},
            capprops={"color": QUIET},
        )
        scatter = np.random.default_rng(0)
        for place, values in enumerate(rows, start=1):
            heights = place + scatter.uniform(-0.2, 0.2, len(values))
            axes.scatter(values, heights, s=10, color=COLOUR, alpha=0.5, linewidths=0)
        dressed(axes, "Dice", "", xlim=(_floor(min(values.min() for values in rows)), 1.005))
        axes.set_yticks(range(1, len(labels) + 1), labels)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")


def _floor(lowest: float) -> float:
    """Where the axis of shares begins: at the tenth below the lowest."""
    return max(-0.005, math.floor(lowest * 10 - 1e-9) / 10)


def _draw_volumes(found: Segmentations, labels: list[str], title: str, path: Path) -> None:
    """Bland and Altman, Lancet 327, 1986; the labels of lowest Dice where not all have room."""
    chosen = sorted(labels, key=lambda label: found.labels[label]["dice"].mean.estimate)[:_MOST_PANELS]
    chosen = [label for label in labels if label in chosen]
    columns = min(_COLUMNS, len(chosen))
    rows = math.ceil(len(chosen) / columns)
    some = f" (the {len(chosen)} labels of lowest Dice)" if len(chosen) < len(labels) else ""
    heading = f"{title}: {'area' if found.pictures else 'volume'}, prediction against reference{some}"
    with figure(path, heading, 1 + 3.8 * columns, 0.6 + 3.3 * rows) as drawn:
        panels = drawn.subplots(rows, columns, squeeze=False).ravel()
        for axes, label in zip(panels, chosen, strict=False):
            _bland_altman(axes, found, label)
        for axes in panels[len(chosen) :]:
            axes.set_visible(False)


def _bland_altman(axes: Axes, found: Segmentations, label: str) -> None:
    scale, unit = (1000, "pixels") if found.pictures else (1, "ml")
    difference = scale * _figures(found, label, "volume_error_ml")
    mean = scale * _figures(found, label, "reference_ml") + difference / 2
    bias, limit = difference.mean(), _LIMITS * difference.std(ddof=1) if len(difference) > 1 else 0.0
    axes.scatter(mean, difference, s=14, color=COLOUR, alpha=0.6, linewidths=0)
    axes.axhline(0, color=QUIET, linewidth=0.8)
    axes.axhline(bias, color=ACCENT, linewidth=1.4)
    for end in (bias - limit, bias + limit):
        axes.axhline(end, color=ACCENT, linewidth=1, linestyle="--")
    words = f"bias {bias:+.3g}, 95 % limits {bias - limit:+.3g} to {bias + limit:+.3g} {unit}"
    axes.set_title(f"{label}\n{words}", fontsize=9)
    dressed(axes, f"mean of both ({unit})", f"prediction - reference ({unit})")
    axes.margins(0.12)


def _figures(found: Segmentations, label: str, name: str) -> Floats:
    """Of the cases that have the label."""
    return np.array([case.labels[label][name] for case in found.cases if label in case.labels], np.float64)
