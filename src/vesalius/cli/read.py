"""``vesalius read``: what is in a scan."""

from __future__ import annotations
from typing import Annotated
import typer


def read(scan: Annotated[str, typer.Argument(metavar="SCAN")]) -> None:
    """Say what is in a scan."""
