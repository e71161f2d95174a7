"""ROC, precision against recall, reliability and the confusion matrix."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vesalius.measure.calibration import reliability
from vesalius.measure.curves import precision_recall_curve, roc_curve
from vesalius.measure.resampling import Interval
from vesalius.train.evaluate.decisions import Decisions
from vesalius.train.evaluate.plots.figure import ACCENT, COLOUR, QUIET, dressed, figure
from vesalius.train.evaluate.records import Classifications

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHARE = {"xlim": (-0.02, 1.02), "ylim": (-0.02, 1.02)}


def draw_classifications(found: Classifications, title: str, folder: Path) -> None:
    """Write curves.png (where a class has cases and others have too), reliability.png and confusion.png."""
    decisions = Decisions.of(found.cases, list(found.classes), found.positive)
    about = f"{title}, {len(found.cases)} cases"
    classes = [name for name in found.classes if found.classes[name]["auroc"] is not None]
    drawn = [found.positive] if found.positive in classes else classes
    if drawn:
        _draw_curves(found, decisions, [name for name in drawn if name], about, folder / "curves.png")
    _draw_reliability(found, decisions, about, folder / "reliability.png")
    _draw_confusion(decisions, about, folder / "confusion.png")


def _draw_curves(found: Classifications, decisions: Decisions, classes: list[str], title: str, path: Path) -> None:
    with figure(path, title, 9.5, 5.3 + 0.22 * len(classes)) as drawn:
        left, right = drawn.subplots(1, 2)
        left.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle="--")
        for name in classes:
            column = decisions.names.index(name)
            pair = decisions.probabilities[:, column], decisions.truth == column
            colour = {"color": COLOUR} if len(classes) == 1 else {}
            figures = found.classes[name]
            left.plot(*roc_curve(*pair), label=f"{name}: AUROC {_words(figures['auroc'])}", **colour)
            right.plot(*precision_recall_curve(*pair), label=f"{name}: AUPRC {_words(figures['auprc'])}", **colour)
        if found.positive in classes:
            _mark_decision(found, decisions, left, right)
        dressed(left, "1 - specificity", "sensitivity", title="ROC", **_SHARE)
        dressed(right, "recall (sensitivity)", "precision", title="precision and recall", **_SHARE)
        for axes in (left, right):
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), frameon=False, fontsize=9)


def _mark_decision(found: Classifications, decisions: Decisions, left: Axes, right: Axes) -> None:
    """Where the model's own threshold lies on the curves, and on the right what chance would give."""
    column = decisions.positive
    said, true = decisions.answers == column, decisions.truth == column
    hits = (said & true).sum()
    words = "the model's decisions" if found.threshold is None else f"threshold {found.threshold:.3g}"
    style: dict[str, Any] = {"color": ACCENT, "s": 40, "zorder": 3, "label": words}
    left.scatter((said & ~true).sum() / (~true).sum(), hits / true.sum(), **style)
    if said.any():
        right.scatter(hits / true.sum(), hits / said.sum(), **style)
    right.axhline(true.mean(), color=QUIET, linewidth=0.8, linestyle="--")


def _draw_reliability(found: Classifications, decisions: Decisions, title: str, path: Path) -> None:
    """Mean probability against how often it came true, in tenths; the size of a point grows with its cases."""
    bins = reliability(*decisions.calibration_pairs())
    likely, came = [one.probability for one in bins], [one.frequency for one in bins]
    of = found.positive or "the most probable class"
    with figure(path, f"{title}: reliability", 5, 5.4) as drawn:
        axes = drawn.subplots()
        axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle="--")
        axes.plot(likely, came, color=COLOUR, linewidth=1)
        axes.scatter(likely, came, s=[30 + 300 * one.share for one in bins], color=COLOUR, alpha=0.75, linewidths=0)
        heading = f"ECE {_words(found.overall['ece'])}\nBrier {_words(found.overall['brier'])}"
        dressed(axes, f"probability of {of}", "how often it was so", **_SHARE)
        axes.set_title(heading, fontsize=9)


def _draw_confusion(decisions: Decisions, title: str, path: Path) -> None:
    """Cases, coloured by their share of the true class."""
    counts = np.array(decisions.confusion())
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names, side = list(decisions.names), 2.6 + 0.75 * len(decisions.names)
    with figure(path, f"{title}: confusion matrix", side + 0.6, side) as drawn:
        axes = drawn.subplots()
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(counts):
            shade = "white" if shares[row, column] > 0.55 else "black"
            text = f"{count}\n{shares[row, column]:.0%}" if counts[row].any() else "0"
            axes.text(column, row, text, ha="center", va="center", color=shade, fontsize=9)
        axes.set_xticks(range(len(names)), names, rotation=30, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(names)), names)
        axes.set_xlabel("answer")
        axes.set_ylabel("true class")


def _words(interval: Interval | None) -> str:
    if interval is None:
        return "undefined"
    return f"{interval.estimate:.3f} ({interval.low:.3f} to {interval.high:.3f})"
