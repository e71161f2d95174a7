"""report.html: the answer about one scan for people, in one file that loads nothing else."""

from __future__ import annotations

import base64
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
        channels=sorted({name for measured in report.measurements.values() for name in measured.intensity}),
        total_seconds=report.seconds,
        longest_seconds=max((stage.seconds for stage in report.stages), default=0.0),
        paths_shown=_PATHS_SHOWN,
    )


def headline(report: Report) -> str:
    """The answer in one line, as "Brain: 1 953 ml"."""
    if report.scores:
        label, score = max(report.scores.items(), key=lambda item: item[1])
        return f"{_capitalised(label)}: {score:.0%}"
    found = {name: measured for name, measured in report.measurements.items() if measured.voxel_count > 0}
    if not found:
        return "Nothing was found"
    if len(found) <= _NAMED_IN_HEADLINE:
        return ", ".join(f"{_capitalised(name)}: {_volume(measured)}" for name, measured in found.items())
    largest = max(found, key=lambda name: found[name].volume_ml)
    return f"{len(found)} structures, the largest: {largest}, {_volume(found[largest])}"


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"number": _number, "gigabytes": _gigabytes, "moment": _moment, "href": _href}
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))


def _capitalised(name: str) -> str:
    return name[:1].upper() + name[1:]


def _volume(measured: Measurement) -> str:
    return f"{_number(measured.volume_ml)}{_THIN_SPACE}ml"


def _number(value: float) -> str:
    """Three significant digits or all that stand before the point, thousands set apart."""
    size = abs(value)
    decimals = 0 if size >= 100 or value == 0 else 1 if size >= 10 else 2
    return f"{value:,.{decimals}f}".replace(",", _THIN_SPACE)


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.2f}{_THIN_SPACE}GB"


def _moment(iso: str) -> str:
    """2026-11-23T12:50:31+00:00 → 2026-11-23 12:50."""
    return iso[:16].replace("T", " ")


def _href(name: str) -> str:
    """A link to a file beside this one; the leading ./ keeps a name with a colon from being taken for a scheme."""
    return "./" + quote(name)
