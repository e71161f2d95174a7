"""``vesalius data recipe``: a recipe that fits the data and the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from vesalius.cli.progress import bar


def recipe(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="The folder or file of training data.")],
    out: Annotated[Path, typer.Option(metavar="RECIPE", help="The TOML file to write.")],
    task: Annotated[Literal["segment", "classify"] | None, typer.Option(help="What to learn.")] = None,
    name: Annotated[str, typer.Option(help="The model's name; else DATA's.")] = "",
    memory: Annotated[float | None, typer.Option(min=0.1, help="GB to train in; else most of what is free.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="How long the training may take.")] = None,
) -> None:
    """Write a recipe that fits the data and this machine, to be read and changed; each value says what it rests on."""
    from vesalius.aside import aside
    from vesalius.engine.progress import Progress
    from vesalius.errors import OutputError
    from vesalius.train.configure import Wishes, propose, this_machine
    from vesalius.train.data import open_dataset
    from vesalius.train.fingerprint import fingerprint

    if out.exists():
        raise OutputError(f"{out} is there already and may have been changed by hand; name another file with --out")
    with bar() as listener:
        progress = Progress(listener)
        found = fingerprint(open_dataset(data), progress)
        with progress.stage("configure"):
            proposal = propose(found, Wishes(name or data.resolve().stem, task, minutes), this_machine(memory))
    with aside(out) as temporary:
        temporary.write_text(proposal.toml(), encoding="utf-8")
    typer.echo(f"{out}: read it, change it, then: vesalius train {out} --data {data} --out MODEL")
