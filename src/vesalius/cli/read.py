"""``vesalius read``: what is in a scan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from vesalius.cli.show import as_json

if TYPE_CHECKING:
    from vesalius.io.describe import SeriesSummary


def read(
    scan: Annotated[str, typer.Argument(metavar="SCAN", help="A file, or a folder with DICOM.")],
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Say what is in a scan: series, size, spacing, orientation."""
    from vesalius.io import describe, read_all

    series = [describe(volume) for volume in read_all(scan)]
    if json:
        typer.echo(as_json([one.as_dict() for one in series]))
    else:
        typer.echo("\n".join(line for number, one in enumerate(series, start=1) for line in lines(number, one)))


def lines(number: int, series: SeriesSummary) -> Iterator[str]:
    """One series for a person; ``number`` is what `vesalius convert --series` takes."""
    spacing = " × ".join(f"{value:.4g}" for value in series.spacing_mm)
    orientation = f"{series.orientation}, oblique" if series.oblique else series.orientation
    yield f"{number}  {series}"
    yield f"   {spacing} mm, orientation {orientation if series.orientation_known else 'unknown'}"
    for note in series.notes:
        yield f"   note: {note}"
