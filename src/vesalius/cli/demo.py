"""``vesalius demo``: a real head MRI → brain → volume → 3D, no arguments."""

from __future__ import annotations

import importlib.util
import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from vesalius.cli.analyze import summary
from vesalius.cli.progress import bar
from vesalius.errors import MissingExtraError

_FILE = "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"


def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the results.")] = Path("vesalius-demo"),
    no_open: Annotated[bool, typer.Option("--no-open", help="Name the page, open no browser.")] = False,
) -> None:
    """Outline and measure the brain of the MNI152 T1 head MRI."""
    scan = scan_path()
    from vesalius.analysis import analyze

    with bar() as listener:
        report = analyze(scan, "brain", out=out, listener=listener)
    typer.echo(summary(report, out))
    page = (out / report.files["page"]).resolve()
    typer.echo(f"Open in a browser: {page.as_uri()}")
    if not no_open and _has_display():
        webbrowser.open(page.as_uri())


def scan_path() -> Path:
    """The MNI152 T1, 1 mm, which nilearn carries; nilearn itself, slow to import, stays closed.

    Raises:
        MissingExtraError: nilearn is not installed, or carries the scan no longer.
    """
    package = importlib.util.find_spec("nilearn")
    path = Path(package.origin).parent / "datasets" / "data" / _FILE if package and package.origin else None
    if path is None or not path.exists():
        raise MissingExtraError(
            "the demo's scan comes with nilearn 0.11 or newer; run: pip install --upgrade 'vesalius[demo]'"
        )
    return path


def _has_display() -> bool:
    if not sys.stdout.isatty() or "SSH_CONNECTION" in os.environ:
        return False
    return sys.platform in {"darwin", "win32"} or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())
