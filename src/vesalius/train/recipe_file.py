"""Reads a recipe, and says what is wrong with it in its writer's words."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from vesalius.errors import RecipeError
from vesalius.train.recipe import Recipe
from vesalius.train.recipe_contradictions import contradictions, suggestion

_TAGS = ("kind", "rule")


def read_recipe(path: Path) -> Recipe:
    """The recipe in the TOML file ``path``.

    Raises:
        RecipeError: no such file, no TOML, an unknown key (with the nearest known one), a value that cannot be, or
            parts that contradict each other.
        MissingExtraError: torch, which computes the losses that it names, is not installed.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"the recipe {path} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"the recipe {path} is no TOML: {error}") from error
    for problem in _unknown_keys(Recipe, content, ()):  # first of all: a misspelt key is often also a missing one
        raise RecipeError(f"the recipe {path}: {problem}")
    try:
        recipe = Recipe.model_validate(content)
    except ValidationError as error:
        raise RecipeError(f"the recipe {path}: {_sentence(error, content)}") from error
    for problem in contradictions(recipe):
        raise RecipeError(f"the recipe {path}: {problem}")
    return recipe


def manifest_of(recipe: Recipe, path: Path) -> Path | None:
    """The manifest that the recipe read from ``path`` names; it lies beside it."""
    return None if recipe.data.manifest is None else path.parent / recipe.data.manifest


def _unknown_keys(kind: Any, content: Any, place: tuple[str, ...]) -> Iterator[str]:
    """A sentence for each key that no model has which may stand there; ``kind`` is the annotation of ``content``."""
    if isinstance(content, list):
        for number, item in enumerate(content, start=1):
            yield from _unknown_keys(kind, item, (*place, str(number)))
    elif isinstance(content, dict):
        values = _values_of_table(kind)
        fields = {} if values is not None else _fields(kind, content)
        for key, inner in content.items():
            if values is None and fields and key not in fields:
                where = f" in [{'.'.join(place)}]" if place else ""
                yield f"unknown key {key!r}{where}{suggestion(key, fields)}"
            else:
                yield from _unknown_keys(fields.get(key, values), inner, (*place, key))


def _values_of_table(kind: Any) -> Any:
    """What the values of a free table are, or None where ``kind`` is no such table."""
    return get_args(kind)[1] if get_origin(kind) is dict else None


def _fields(kind: Any, content: Mapping[str, Any]) -> dict[str, Any]:
    """Name → annotation of all fields of the models that ``content`` can be; empty where it can be none."""
    models = list(_models_in(kind))
    meant = [model for model in models if _is_meant(model, content)] or models
    return {name: field.annotation for model in meant for name, field in model.model_fields.items()}


def _models_in(kind: Any) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for part in get_args(kind):
        yield from _models_in(part)


def _is_meant(model: type[BaseModel], content: Mapping[str, Any]) -> bool:
    """Whether ``content`` says by its tag that it is this model of several."""
    tags = [tag for tag in _TAGS if tag in model.model_fields and tag in content]
    return all(content[tag] in get_args(model.model_fields[tag].annotation) for tag in tags)


def _sentence(error: ValidationError, content: Any) -> str:
    """The first problem, and where it is."""
    problem = error.errors()[0]
    place = ".".join(_place(problem["loc"], content)) or "it"
    if problem["type"] == "missing":
        return f"{place} is missing"
    message = problem["msg"].removeprefix("Value error, ")
    given = problem["input"]
    said = f" is {given!r}" if isinstance(given, str | int | float) else ""
    return f"{place}{said}: {message[:1].lower()}{message[1:]}"


def _place(location: Sequence[int | str], content: Any) -> Iterator[str]:
    """The location without the names that pydantic puts in for the alternatives of a union; lists count from 1."""
    here = content
    for number, step in enumerate(location, start=1):
        if isinstance(here, list) and isinstance(step, int):
            here = here[step] if step < len(here) else None
            yield str(step + 1)
        elif isinstance(here, dict) and str(step) in here:
            here = here[str(step)]
            yield str(step)
        elif number == len(location) and isinstance(here, dict) and step != "[key]":
            yield str(step)  # the key that is missing
