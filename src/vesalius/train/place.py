"""What a training keeps in the folder ``training`` of its model folder: recipe, checkpoint, logs, curves, result."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from vesalius.aside import aside
from vesalius.errors import OutputError
from vesalius.models.folder import SPEC_FILE
from vesalius.train.recipe import Recipe
from vesalius.train.recipe_write import recipe_toml
from vesalius.train.watch import Score

#: of the model folder
FOLDER = "training"
#: of what that folder keeps
CHECKPOINT = "checkpoint.safetensors"
RECIPE = "recipe.toml"
PREPARED = "prepared"
_RESULT = "result.json"


@dataclass(frozen=True)
class Result:
    """What a training came to: the finished model's score, the recipe it was made by, and what it was measured on."""

    score: Score
    recipe: dict[str, object]
    on: str


def check_place(out: Path) -> None:
    """Refuse a place that holds something else than a training.

    Raises:
        OutputError: it is a file, or a folder with other things in it.
    """
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file; name a model folder to make")
    if not out.is_dir() or (out / FOLDER / RECIPE).is_file():
        return
    other = next((path for path in out.rglob("*") if path.is_file() and not path.name.startswith(".")), None)
    if other is not None:
        raise OutputError(
            f"{out} holds other things than a training of ours, such as {other.relative_to(out)}; name a folder that "
            "does not exist"
        )


def keep_recipe(recipe: Recipe, written: Path, manifest: Path | None, folder: Path) -> None:
    """Copy the recipe, as it was ``written`` or, where a fold was asked for, as it is, and its manifest."""
    from vesalius.train.recipe_file import read_recipe

    folder.mkdir(parents=True, exist_ok=True)
    same = read_recipe(written) == recipe
    text = written.read_text(encoding="utf-8") if same else recipe_toml(recipe, heading=f"{written.name}, one fold of it")
    if manifest is not None:
        with aside(folder / manifest.name) as temporary:
            shutil.copyfile(manifest, temporary)
    with aside(folder / RECIPE) as temporary:
        temporary.write_text(text, encoding="utf-8")


def clear_leftovers(out: Path) -> None:
    """Take away what a process that was killed while writing has left under hidden names, and the old result."""
    for path in (*out.glob(f".????????-{out.name}"), *(out / FOLDER).glob(".????????-*")):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    (out / FOLDER / _RESULT).unlink(missing_ok=True)


def read_result(out: Path) -> Result | None:
    """The result of a training whose model was written and is still there."""
    if not ((out / SPEC_FILE).is_file() or (out / WEIGHTS).is_file()):
        return None
    try:
        content = json.loads((out / FOLDER / _RESULT).read_bytes())
        return Result(Score(**content["score"]), content["recipe"], content["on"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_result(out: Path, result: Result) -> None:
    """Say, last of all, that the model is written; its prepared cases are of no more use."""
    with aside(out / FOLDER / _RESULT) as temporary:
        temporary.write_text(json.dumps(asdict(result), indent=1) + "\n", encoding="utf-8")
    for folder in (out / FOLDER).glob(f"{PREPARED}*"):
        shutil.rmtree(folder, ignore_errors=True)
