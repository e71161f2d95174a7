"""What in a recipe is well-formed but does not go together."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator

import numpy as np

from vesalius import nets
from vesalius.errors import GeometryError
from vesalius.extras import require
from vesalius.train.recipe import Recipe
from vesalius.volume import Geometry


def contradictions(recipe: Recipe) -> Iterator[str]:
    """A sentence on each; the first is the one to mend first."""
    yield from _unknown_names(recipe)
    yield from _wrong_labels(recipe)
    yield from _wrong_shape(recipe)
    split = recipe.data.split
    if split.fold >= split.folds:
        yield f"data.split.fold is {split.fold}, but there are {split.folds} folds, numbered from 0"
    try:
        Geometry((1, 1, 1), np.eye(4)).axis_map_to(recipe.orientation)
    except GeometryError as error:
        yield f"orientation: {error}"


def _unknown_names(recipe: Recipe) -> Iterator[str]:
    require("torch", "torch")
    from vesalius.train.losses import TERMS

    if recipe.network.net not in nets.NAMES:
        yield f"network.net: there is no network {recipe.network.net!r}{suggestion(recipe.network.net, nets.NAMES)}"
    if not recipe.loss.terms:
        yield f"loss.terms: there is nothing to make small; it may have {' or '.join(sorted(TERMS))}"
    for term in recipe.loss.terms:
        if term not in TERMS:
            yield f"loss.terms: there is no loss {term!r}{suggestion(term, TERMS)}"


def _wrong_labels(recipe: Recipe) -> Iterator[str]:
    first, least = {"segment": (1, 1), "classify": (0, 2), "reconstruct": (0, 0)}[recipe.task]
    names = [label.name for label in recipe.labels.values()]
    if recipe.task != "reconstruct" and list(recipe.labels) != list(range(first, first + len(names))):
        yield f"labels: for the task {recipe.task} they are numbered from {first}, in order and without gaps"
    if len(names) < least:
        yield f"labels: the task {recipe.task} needs at least {least} of them"
    if len(set(names)) < len(names):
        yield f"labels: two have the same name: {', '.join(sorted(names))}"
    for name in recipe.plausibility.keys() - set(names):
        yield f"plausibility: there is no label {name!r}{suggestion(name, names)}"


def _wrong_shape(recipe: Recipe) -> Iterator[str]:
    """Inputs and outputs of the network against the recipe's channels, labels and task."""
    kind = {"segment": "sliding", "classify": "whole"}.get(recipe.task, recipe.data.grid.kind)
    if recipe.data.grid.kind != kind:
        yield f"data.grid.kind: for the task {recipe.task} it is {kind!r}"
    outputs = {"segment": len(recipe.labels) + 1, "classify": len(recipe.labels)}.get(recipe.task)
    for key, wanted in (("classes", outputs), ("channels", len(recipe.channels))):
        given = recipe.network.arguments.get(key, wanted)
        if isinstance(given, int) and given != wanted:
            yield f"network.arguments.{key} is {given}, but the recipe's labels and channels make it {wanted}"
    weights = recipe.loss.class_weights
    if weights is not None and outputs is not None and len(weights) != outputs:
        yield f"loss.class_weights has {len(weights)} weights, but the recipe's labels make it {outputs}"


def suggestion(name: str, known: Collection[str]) -> str:
    """The nearest of the names that are ``known``, as the end of a sentence."""
    near = difflib.get_close_matches(name, known, n=3) or sorted(known)
    return f"; did you mean {' or '.join(map(repr, near[:8]))}?" if near else ""
