"""Writes a recipe as TOML with a comment on each value that was derived, for people to read and change."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from vesalius.errors import RecipeError
from vesalius.train.recipe import Recipe

_WIDTH = 120
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def recipe_toml(recipe: Recipe, reasons: Mapping[str, str] | None = None, heading: str = "") -> str:
    """``recipe`` as TOML 1.0, which `vesalius.train.recipe_file.read_recipe` reads back as the same recipe.

    Values that are the default's are left out, unless there is a reason for them.

    Args:
        recipe: the recipe.
        reasons: place, as in "training.batch", "augment" or "augment.0.axes" → what the value rests on.
        heading: comment at the top.

    Raises:
        RecipeError: an argument of the network is nothing that TOML can hold.
    """
    lines = [*_comment(heading), *_table(recipe, "", "", reasons or {})]
    return "\n".join(lines).strip("\n") + "\n"


def _table(part: BaseModel | Mapping[Any, Any], place: str, header: str, reasons: Mapping[str, str]) -> Iterator[str]:
    """The lines of a table: first its values, then the tables in it.

    ``place`` finds reasons and counts the tables of an array, ``header`` is TOML's name, which does not.
    """
    said = _said(part, place, reasons)
    tables = {key: value for key, value in said.items() if _is_table(value) or _is_array_of_tables(value)}
    if header.startswith("[[") or len(tables) < len(said) or not tables:
        yield from _header(header, reasons.get(place, ""))
    elif place in reasons:  # the header can be left out, as its tables name it: the first has its reason
        reasons = {**reasons, _join(place, next(iter(tables))): reasons[place]}
    for key, value in said.items():
        if key not in tables:
            yield from _entry(_key(key), value, reasons.get(_join(place, key), ""))
    name = header.strip("[]")
    for key, value in tables.items():
        inner, place_of_key = _join(name, _key(key)), _join(place, key)
        if _is_table(value):
            yield from _table(value, place_of_key, f"[{inner}]", reasons)
            continue
        for number, item in enumerate(value):
            above = reasons if number else {**reasons, f"{place_of_key}.0": reasons.get(place_of_key, "")}
            yield from _table(item, f"{place_of_key}.{number}", f"[[{inner}]]", above)


def _said(part: BaseModel | Mapping[Any, Any], place: str, reasons: Mapping[str, str]) -> dict[str, Any]:
    """What has to be written: all of a mapping; of a model what is not the default, and first its tags (kind, rule)."""
    if isinstance(part, Mapping):
        return {str(key): value for key, value in part.items()}
    found = {}
    for name, field in sorted(type(part).model_fields.items(), key=lambda item: not _is_tag(item[1])):
        value, here = getattr(part, name), _join(place, name)
        explained = any(key == here or key.startswith(f"{here}.") for key in reasons)
        default = field.get_default(call_default_factory=True)
        if value is not None and (explained or value != default or _is_tag(field)):
            found[name] = value
    return found


def _header(header: str, reason: str) -> Iterator[str]:
    if header:
        yield ""
        yield from _comment(reason)
        yield header


def _entry(key: str, value: Any, reason: str) -> Iterator[str]:
    """The value with its reason behind it, or above it where the line would be too long."""
    line, behind = f"{key} = {_value(value)}", f" # {reason}" if reason else ""
    if len(line) + len(behind) <= _WIDTH:
        yield line + behind
        return
    yield from _comment(reason)
    if len(line) <= _WIDTH or not isinstance(value, list | tuple):
        yield line
        return
    yield from (f"{key} = [", *(f"  {_value(item)}," for item in value), "]")


def _comment(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield from (f"# {part}" for part in textwrap.wrap(line, _WIDTH - 2))


def _value(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # which JSON allows and TOML does not
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(key)} = {_value(inner)}' for key, inner in value.items())} }}"
    raise RecipeError(f"a recipe cannot hold {value!r}: TOML has numbers, text, lists and tables")


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _value(key)


def _join(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _is_table(value: Any) -> bool:
    return isinstance(value, BaseModel | Mapping)


def _is_array_of_tables(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(item, BaseModel) for item in value)


def _is_tag(field: FieldInfo) -> bool:
    """Whether it has a single possible value, which tells the alternatives of a union apart."""
    return get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1
