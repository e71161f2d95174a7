"""report.html: the answer about one scan for people, in one file that loads nothing else."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from vesalius.aside import aside
from vesalius.results import Measurement, Report

if TYPE_CHECKING:
    from jinja2 import Template

_TEMPLATE = Path(__file__).with_name("report.html.j2")
_THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"
_NAMED_IN_HEADLINE = 3
_PATHS_SHOWN = 3


def write_report_html(report: Report, path: Path, picture_png: bytes | None = None) -> None:
    """Write ``report`` with its picture embedded; ``path`` is there whole or not at all.

    Raises:
        NotEnoughDiskError: the disk is full.
        OutputError: the file cannot be written there.
    """
    html = render_report(report, picture_png)
    with aside(path) as temporary:
        temporary.write_text(html, encoding="utf-8")


def render_report(report: Report, picture_png: bytes | None = None) -> str:
    """The page as text."""
    return _template().render(
        report=report,
        headline=headline(report),
        picture=base64.b64encode(picture_png).decode("ascii") if picture_png else None,
        colours={label.name: label.colour for label in report.labels.values()},
        channels=[name for name in report.input.channels if _is_measured(name, report)],
        total_seconds=report.seconds,
        longest_seconds=max((stage.seconds for stage in report.stages), default=0.0),
        paths_shown=_PATHS_SHOWN,
    )


def headline(report: Report) -> str:
    """The answer in one line, as "Brain: 1 953 ml"."""
    if report.scores:
        return _answer(report.scores, report.answer, report.thresholds)
    found = {name: measured for name, measured in report.measurements.items() if measured.voxel_count > 0}
    if not found:
        return "Nothing was found"
    if len(found) <= _NAMED_IN_HEADLINE:
        return ", ".join(f"{_capitalised(name)}: {_size(measured)}" for name, measured in found.items())
    largest = max(found, key=lambda name: found[name].voxel_count)
    return f"{len(found)} structures, the largest: {largest}, {_size(found[largest])}"


def _answer(scores: Mapping[str, float], answer: str | None, thresholds: Mapping[str, float]) -> str:
    """The answer and its probability, or, where another label missed its threshold, that label's."""
    label = answer or max(scores, key=lambda name: scores[name])
    missed = next((name for name in thresholds if name != label), None)
    if missed is None:
        return f"{_capitalised(label)}: {_percent(scores[label])}"
    return f"{_capitalised(label)}: probability of {missed} {_percent(scores[missed])}"


def _is_measured(channel: str, report: Report) -> bool:
    return any(channel in measured.intensity for measured in report.measurements.values())


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"number": _number, "percent": _percent, "gigabytes": _gigabytes}
    environment.filters |= {"moment": _moment, "href": _href}
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))


def _capitalised(name: str) -> str:
    return name[:1].upper() + name[1:]


def _size(measured: Measurement) -> str:
    if measured.volume_ml is None:
        return f"{_percent(measured.share or 0)} of the picture"
    return f"{_number(measured.volume_ml)}{_THIN_SPACE}ml"


def _percent(share: float) -> str:
    """With one decimal; rounding makes nothing impossible or certain."""
    text = f"{100 * share:.1f}"
    if 0 < share < 1:
        text = {"0.0": "<0.1", "100.0": ">99.9"}.get(text, text)
    return f"{text}{_THIN_SPACE}%"


def _number(value: float) -> str:
    """Three significant digits or all that stand before the point, thousands set apart; of an int no decimals."""
    size = abs(value)
    decimals = 0 if size >= 100 or value == 0 or isinstance(value, int) else 1 if size >= 10 else 2
    return f"{value:,.{decimals}f}".replace(",", _THIN_SPACE)


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.2f}{_THIN_SPACE}GB"


def _moment(iso: str) -> str:
    """2026-11-23T12:50:31+00:00 → 2026-11-23 12:50."""
    return iso[:16].replace("T", " ")


def _href(name: str) -> str:
    """A link to a file beside this one; the leading ./ keeps a name with a colon from being taken for a scheme."""
    return "./" + quote(name)
