"""``vesalius data``: what training data hold and what is wrong with them."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vesalius.cli.data_recipe import recipe as write_recipe
from vesalius.cli.progress import bar
from vesalius.cli.show import as_json, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vesalius.train.data import Dataset
    from vesalius.train.data.findings import Finding
    from vesalius.train.recipe import Recipe

app = typer.Typer(help="Look through training data.", rich_markup_mode=None)

Data = Annotated[Path, typer.Argument(metavar="DATA", help="The folder or file of training data.")]


app.command("recipe")(write_recipe)


@app.command()
def check(
    data: Data,
    recipe: Annotated[
        Path | None, typer.Option(metavar="RECIPE", help="Hold the data against this recipe too.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Find what would spoil a training: missing pairs, other grids, unknown labels, copies across splits."""
    from vesalius.engine.progress import Progress
    from vesalius.train.data import check_dataset, open_dataset
    from vesalius.train.recipe_file import manifest_of, read_recipe

    read = None if recipe is None else read_recipe(recipe)
    dataset = open_dataset(data, None if recipe is None or read is None else manifest_of(read, recipe))
    with bar() as listener:
        findings = check_dataset(dataset, read, Progress(listener))
    split = _split(dataset, read)
    typer.echo(as_json(_described(dataset, split, findings)) if json else "\n".join(_lines(dataset, split, findings)))
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(3)


def _described(dataset: Dataset, split: str, findings: Sequence[Finding]) -> dict[str, object]:
    found = [asdict(finding) for finding in findings]
    return {"layout": dataset.layout, "cases": len(dataset.cases), "split": split, "findings": found}


def _lines(dataset: Dataset, split: str, findings: Sequence[Finding]) -> list[str]:
    rows = [(finding.severity, finding.code, finding.case or "-", finding.message) for finding in findings]
    errors = sum(finding.severity == "error" for finding in findings)
    counts = f"{errors} errors, {len(rows) - errors} warnings"
    return [*([table(rows)] if rows else []), f"{dataset.layout}: {len(dataset.cases)} cases ({split}); {counts}"]


def _split(dataset: Dataset, recipe: Recipe | None) -> str:
    """How the cases are divided: by the recipe, or else by the data's own account."""
    from vesalius.errors import DatasetError
    from vesalius.train.data import divide

    if recipe is not None:
        try:
            return divide(dataset, recipe.data).words
        except DatasetError:  # it is among the findings
            return "not to be divided"
    counts = Counter(case.split or "in no split" for case in dataset.cases)
    return ", ".join(f"{count} {part}" for part, count in counts.items())
