"""Reads a recipe, and says what is wrong with it in its writer's words."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from vesalius import nets
from vesalius.errors import RecipeError
from vesalius.train.losses import TERMS
from vesalius.train.recipe import Recipe


def read_recipe(path: Path) -> Recipe:
    """The recipe in the TOML file ``path``.

    Raises:
        RecipeError: no such file, no TOML, an unknown key (with the nearest known one), a value that cannot be, or
            parts that contradict each other.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"the recipe {path} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"the recipe {path} is no TOML: {error}") from error
    try:
        recipe = Recipe.model_validate(content)
    except ValidationError as error:
        raise RecipeError(f"the recipe {path}: {_sentence(error, content)}") from error
    for problem in _contradictions(recipe):
        raise RecipeError(f"the recipe {path}: {problem}")
    return recipe


def _sentence(error: ValidationError, content: dict[str, Any]) -> str:
    """The first problem; unknown keys come first, as a misspelt key is often also a missing one."""
    problems = sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    problem = problems[0]
    place = _place(problem["loc"], content)
    if problem["type"] != "extra_forbidden":
        return f"{'.'.join(place) or 'it'}: {problem['msg']}"
    *around, key = place
    known = _keys_at(Recipe, around, content)
    near = difflib.get_close_matches(key, known, n=1) or sorted(known)
    where = f" in [{'.'.join(around)}]" if around else ""
    return f"unknown key {key!r}{where}; did you mean {' or '.join(map(repr, near[:8]))}?"


def _place(location: Sequence[int | str], content: Any) -> list[str]:
    """The location without the names that pydantic puts in for the alternatives of a union."""
    place, here = [], content
    for step in location:
        if isinstance(here, dict) and str(step) in here:
            here = here[str(step)]
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            here = here[step]
        elif step != location[-1]:
            continue
        place.append(str(step))
    return place


def _keys_at(model: type[BaseModel], place: Sequence[str], content: Any) -> set[str]:
    """The keys that may stand at ``place``: fields of all models that the schema has there."""
    models: list[Any] = [model]
    here = content
    for step in place:
        here = here[int(step)] if isinstance(here, list) else here.get(step)
        models = [inner for one in models for inner in _models_in(one.model_fields[step].annotation)] if all(
            step in one.model_fields for one in models
        ) else models
    chosen = [one for one in models if not isinstance(here, dict) or _fits(one, here)] or models
    return {name for one in chosen for name in one.model_fields}


def _models_in(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    inner = getattr(annotation, "__args__", ()) or getattr(getattr(annotation, "__origin__", None), "__args__", ())
    return [model for part in inner for model in _models_in(part)]


def _fits(model: Any, content: dict[str, Any]) -> bool:
    """Whether ``content`` says by its tag (kind, rule) that it is meant as ``model``."""
    for tag in ("kind", "rule"):
        field = model.model_fields.get(tag)
        if field is not None and tag in content:
            return bool(content[tag] in getattr(field.annotation, "__args__", ()))
    return True


def _contradictions(recipe: Recipe) -> list[str]:
    """Sentences on what is each well-formed but does not go together."""
    found = []
    if recipe.network.net not in nets.NAMES:
        near = difflib.get_close_matches(recipe.network.net, nets.NAMES) or sorted(nets.NAMES)
        found.append(f"network.net: there is no network {recipe.network.net!r}; did you mean {' or '.join(near)}?")
    for term in recipe.loss.terms:
        if term not in TERMS:
            near = difflib.get_close_matches(term, TERMS) or sorted(TERMS)
            found.append(f"loss.terms: there is no loss {term!r}; did you mean {' or '.join(near)}?")
    first = {"segment": 1, "classify": 0}.get(recipe.task)
    if first is not None and list(recipe.labels) != list(range(first, first + len(recipe.labels))):
        found.append(f"labels: for the task {recipe.task} they are numbered from {first}, without gaps")
    if recipe.task != "reconstruct" and len(recipe.labels) < (2 if recipe.task == "classify" else 1):
        found.append(f"labels: the task {recipe.task} needs more of them")
    kind = {"segment": "sliding", "classify": "whole"}.get(recipe.task)
    if kind is not None and recipe.data.grid.kind != kind:
        found.append(f"data.grid.kind: for the task {recipe.task} it is {kind!r}")
    found += _wrong_classes(recipe)
    return found


def _wrong_classes(recipe: Recipe) -> list[str]:
    outputs = {"segment": len(recipe.labels) + 1, "classify": len(recipe.labels)}.get(recipe.task)
    found = []
    for key, wanted in (("classes", outputs), ("channels", len(recipe.channels))):
        given = recipe.network.arguments.get(key)
        if wanted is not None and given is not None and given != wanted:
            found.append(f"network.arguments.{key} is {given}, but the recipe's labels and channels make it {wanted}")
    return found
