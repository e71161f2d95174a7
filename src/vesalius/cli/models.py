"""``vesalius models``: what can be run, what is known about it, and whether it still does what it did."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vesalius.cli.show import as_json, table

if TYPE_CHECKING:
    from vesalius.engine.choose import GoldenVerdict
    from vesalius.models.spec import MeasuredScore

app = typer.Typer(help="List, show, verify, import models.", rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="M", help="A shipped model's name, or a model folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]


@app.callback(invoke_without_command=True)
def _list_without_verb(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_models()


@app.command("list")
def list_models(json: Json = False) -> None:
    """List the models that come with Vesalius."""
    from vesalius.models.folder import open_model, shipped

    specs = [open_model(name).spec for name in shipped()]
    if json:
        rows = [spec.model_dump(mode="json", include={"name", "version", "task", "summary"}) for spec in specs]
        typer.echo(as_json(rows))
    else:
        typer.echo(table([(spec.name, spec.version, spec.task, spec.summary) for spec in specs]))


@app.command()
def show(model: Name, json: Json = False) -> None:
    """Say what a model takes and gives and where it is from."""
    from vesalius.models.card import decision_words
    from vesalius.models.folder import open_model

    folder = open_model(model)
    spec = folder.spec
    if json:
        typer.echo(as_json(spec.model_dump(mode="json")))
        return
    rows = [
        ("name", f"{spec.name} {spec.version}"),
        ("task", spec.task),
        ("summary", spec.summary),
        ("modality", ", ".join(spec.modality) or "any"),
        ("channels", ", ".join(spec.channels)),
        ("labels", ", ".join(f"{value} {label.name}" for value, label in spec.labels.items())),
        *([] if spec.decision is None else [("decision", decision_words(spec.decision))]),
        ("origin", spec.origin.source),
        ("data", spec.origin.data),
        *([("split", spec.origin.split)] if spec.origin.split else []),
        *([] if spec.origin.seed is None else [("seed", str(spec.origin.seed))]),
        ("licence", spec.origin.licence),
        *(("score", _score(score)) for score in spec.scores),
        ("folder", str(folder.path)),
    ]
    typer.echo(table(rows))


def _score(score: MeasuredScore) -> str:
    words = f"{score.metric} {score.value:g} on {score.on}"
    return f"{words}: {score.command}" if score.command else words


@app.command()
def verify(model: Name) -> None:
    """Check a model's files and its golden cases."""
    from vesalius.analysis import verify as run
    from vesalius.errors import ModelFolderError
    from vesalius.models.folder import open_model

    open_model(model).verify()
    verdicts = run(model)
    rows = [("network", "engine", "precision", "device", "largest difference", "same labels", "verdict")]
    typer.echo(table([*rows, *(_row(network, verdict) for network, verdict in verdicts)]))
    failed = [network for network, verdict in verdicts if verdict.info.precision == "f32" and not verdict.agrees]
    if failed:
        raise ModelFolderError(
            f"{model}: the golden case of {', '.join(failed)} comes out otherwise; get the model anew"
        )


def _row(network: str, verdict: GoldenVerdict) -> tuple[str, ...]:
    info, difference, same = verdict.info, f"{verdict.difference:.2g}", f"{verdict.same_labels:.4%}"
    return (
        network,
        info.engine,
        info.precision,
        info.device,
        difference,
        same,
        "agrees" if verdict.agrees else "differs",
    )


@app.command("import")
def import_(
    path: Annotated[
        Path,
        typer.Argument(metavar="PATH", help="TorchScript or ONNX file, MONAI bundle or nnU-Net v2 results folder."),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The model folder to write.")],
    name: Annotated[str | None, typer.Option(metavar="NAME", help="The model's name; the folder's by default.")] = None,
    run_foreign_code: Annotated[
        bool, typer.Option("--run-foreign-code", help="Agree that the file's own code is run to convert it.")
    ] = False,
) -> None:
    """Turn a network from elsewhere into a model folder."""
    from vesalius.models.importers import import_model

    summary = import_model(path, out, name=name, run_foreign_code=run_foreign_code)
    rows = [("kind", summary.kind), *(("ran", code) for code in summary.ran)]
    rows.append(("largest difference from the source", f"{summary.difference:.2g}"))
    typer.echo(table([*rows, *(("note", note) for note in summary.notes), ("folder", str(summary.path))]))


@app.command()
def join(
    models: Annotated[list[str], typer.Argument(metavar="M...", help="Models of one recipe, such as its folds.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The model folder to write.")],
) -> None:
    """Make one model of several that differ in their weights only; it averages their answers."""
    from vesalius.models.join import join_models

    join_models(models, out)
    typer.echo(f"{out}: its scores are not known yet: vesalius evaluate {out} --data DATA --out DIR")


@app.command()
def card(model: Name) -> None:
    """Print the model card."""
    from vesalius.models.folder import CARD_FILE, open_model

    typer.echo(open_model(model).file(CARD_FILE).read_text(encoding="utf-8"))
