"""The command ``vesalius``: one file a verb, each importing what it needs when it runs.

Takes arguments, gives text (or ``--json``) and an exit code: 0 done, 2 wrong arguments, 3 bad input, 4 not enough
memory or disk, 1 anything else. It may import everything; nothing imports it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

# One analysis multiplies many small matrices: BLAS threads would only wait for each other and take the cores from the
# network and the other steps. Set before anything imports numpy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from vesalius._version import __version__
from vesalius.cli import analyze, convert, data, demo, doctor, evaluate, models, read, train
from vesalius.cli.failure import describe
from vesalius.errors import CancelledError


@contextmanager
def _stoppable() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise CancelledError("stopped; nothing was left half-written") from interrupt


class Verbs(TyperGroup):
    """The verbs; Ctrl-C while reading the arguments or in a verb is the one error that says so."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Read the arguments."""
        with _stoppable():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the verb."""
        with _stoppable():
            return super().invoke(ctx)


app = typer.Typer(
    cls=Verbs,
    help="From a medical scan to an explained, measured, three-dimensional answer.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(demo.demo)
app.command()(read.read)
app.command()(convert.convert)
app.command()(analyze.analyze)
app.command()(train.train)
app.command()(evaluate.evaluate)
app.add_typer(data.app, name="data")
app.add_typer(models.app, name="models")
app.command()(doctor.doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"vesalius {__version__}")
        raise typer.Exit


@app.callback()
def _everywhere(
    version: Annotated[  # answered by its callback
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and stop.")
    ] = False,
    debug: Annotated[  # answered by `run` and `main`, wherever it stands
        bool, typer.Option("--debug", help="Show the traceback of an error, and warnings.")
    ] = False,
) -> None:
    """Declare the options that every verb has."""


def run(arguments: Sequence[str]) -> int:
    """Run the command with ``arguments`` (without the program's name) and return its exit code."""
    debug = "--debug" in arguments
    others = [word for word in arguments if word != "--debug"] or ["--help"]
    try:
        return app(["--debug", *others] if debug else others, prog_name="vesalius", standalone_mode=False) or 0
    except Exception as error:  # the one place where every error becomes a sentence and an exit code
        if debug:
            traceback.print_exception(error)
        sentence, code = describe(error)
        print(f"vesalius: {sentence}", file=sys.stderr)
        return code


def main() -> None:
    """The entry point of the installed command; what libraries have to say is for ``--debug`` alone.

    It leaves without taking the interpreter down piece by piece, which takes longer than writing all results once the
    networks' libraries are loaded: whatever has to be closed is closed by the verbs.
    """
    if "--debug" not in sys.argv:
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
    code = run(sys.argv[1:])
    with contextlib.suppress(OSError):  # a pipe that nobody reads any more
        sys.stdout.flush()
    os._exit(code)
