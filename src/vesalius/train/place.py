"""What a training keeps in the folder ``training`` of its model folder: recipe, checkpoint, logs, curves, result."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vesalius.aside import aside
from vesalius.errors import OutputError
from vesalius.models.folder import SPEC_FILE
from vesalius.train.watch import Score

#: of the model folder
FOLDER, WEIGHTS = "training", "network.safetensors"
#: of the folder ``training``
CHECKPOINT, RECIPE, RESULT = "checkpoint.safetensors", "recipe.toml", "result.json"
PREPARED, PREPARED_VALIDATION = "prepared", "prepared-validation"


@dataclass(frozen=True)
class Result:
    """What a training came to: the finished model's score, the cases it was measured on, and the recipe as JSON."""

    score: Score
    on: str
    recipe: dict[str, Any]


def check_place(out: Path) -> None:
    """Refuse a place that holds something else than a training.

    Raises:
        OutputError: it is a file, or a folder with other things in it.
    """
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file; name a folder for the model")
    if (out / FOLDER / RECIPE).is_file():
        return
    other = next((path for path in out.rglob("*") if path.is_file() and not path.name.startswith(".")), None)
    if other is not None:
        raise OutputError(
            f"{out} holds something else than a training, such as {other.relative_to(out)}; name a folder that is "
            "not there yet"
        )


def keep_recipe(text: str, manifest: Path | None, out: Path) -> None:
    """Write down by what recipe, and by which manifest, the model is made."""
    folder = out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with aside(folder / RECIPE) as temporary:
        temporary.write_text(text, encoding="utf-8")
    if manifest is not None and manifest.resolve() != (folder / manifest.name).resolve():
        with aside(folder / manifest.name) as temporary:
            shutil.copyfile(manifest, temporary)


def clear_leftovers(out: Path) -> None:
    """Take away what a process that was killed while writing has left under hidden names, and an old result."""
    for path in (*out.glob(f".????????-{out.name}"), *(out / FOLDER).glob(".????????-*")):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    (out / FOLDER / RESULT).unlink(missing_ok=True)


def read_result(out: Path) -> Result | None:
    """The result of a training whose model was written and is still there; None if there is no such."""
    if not (out / SPEC_FILE).is_file() and not (out / WEIGHTS).is_file():
        return None
    try:
        content = json.loads((out / FOLDER / RESULT).read_bytes())
        return Result(Score(**content["score"]), content["on"], content["recipe"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_result(result: Result, out: Path) -> None:
    """Say, last of all, that the model is written; from then on its prepared cases are of no use."""
    with aside(out / FOLDER / RESULT) as temporary:
        temporary.write_text(json.dumps(asdict(result), indent=1) + "\n", encoding="utf-8")
    for name in (PREPARED, PREPARED_VALIDATION):
        shutil.rmtree(out / FOLDER / name, ignore_errors=True)
