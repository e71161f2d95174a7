"""A figure in one look, without a window and without touching what else in the process uses matplotlib."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vesalius.extras import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOUR, ACCENT, QUIET = "#1f5a96", "#c8501e", "#8a8f98"
_DPI = 150


@contextmanager
def figure(path: Path, title: str, width: float, height: float) -> Iterator[Figure]:
    """An empty figure of that size in inches, written as ``path`` afterwards.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    drawn: Figure = require("matplotlib.figure", "train").Figure(figsize=(width, height), layout="constrained")
    drawn.suptitle(title, fontsize=11)
    yield drawn
    drawn.savefig(path, dpi=_DPI, facecolor="white")


def dressed(axes: Axes, x: str, y: str, **options: Any) -> None:
    """Name the axes and take away what is not needed."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e6e8eb", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set(**options)
