"""What only shows when the cases of a data set are held side by side."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vesalius.train.data.case import Dataset
from vesalius.train.data.contradictions import Parts, missing_from
from vesalius.train.data.findings import Finding, error, warning
from vesalius.train.recipe import Recipe

_FAR_SPACING = 2.5  # times the median of an axis, or a part of it


@dataclass(frozen=True)
class Seen:
    """What is kept of a case once it was read; ``labels`` are those that occur, without the background."""

    name: str
    channels: int
    spacing: tuple[float, float, float]
    digest: bytes
    labels: frozenset[int] | None


def compare(seen: Sequence[Seen], parts: Parts, dataset: Dataset, recipe: Recipe | None) -> Iterator[Finding]:
    """Findings on all cases together."""
    if not seen:
        return
    part_of = {case.name: part for part, cases in parts.items() for case in cases}
    yield from _channels(seen, recipe)
    yield from _spacings(seen)
    yield from _duplicates(seen, part_of)
    if any(one.labels is not None for one in seen):
        yield from _missing_labels(seen, parts, _label_names(seen, dataset, recipe))


def _channels(seen: Sequence[Seen], recipe: Recipe | None) -> Iterator[Finding]:
    usual = len(recipe.channels) if recipe else Counter(one.channels for one in seen).most_common(1)[0][0]
    whose = "the recipe names" if recipe else "most others have"
    for one in seen:
        if one.channels != usual:
            yield error("channels", one.name, f"it has {one.channels} channel(s), {whose} {usual}")


def _spacings(seen: Sequence[Seen]) -> Iterator[Finding]:
    spacings = np.array([one.spacing for one in seen])
    median = np.median(spacings, axis=0)
    far = np.abs(np.log(spacings / median)).max(axis=1) > np.log(_FAR_SPACING)
    for one, is_far in zip(seen, far.tolist(), strict=True):
        if is_far:
            message = f"its voxels are {_times(one.spacing)} mm, the data's are mostly {_times(median.tolist())} mm"
            yield warning("spacing", one.name, message)


def _duplicates(seen: Sequence[Seen], part_of: Mapping[str, str]) -> Iterator[Finding]:
    """Equal images: an error where one is trained on and another measured by."""
    equal: dict[bytes, list[str]] = defaultdict(list)
    for one in seen:
        equal[one.digest].append(one.name)
    for first, *others in equal.values():
        if not others:
            continue
        message = f"it has the same voxels as {', '.join(_placed(name, part_of) for name in others)}"
        if len({part_of[name] for name in (first, *others) if name in part_of}) > 1:
            yield error("duplicate-across-splits", first, f"{message}; itself it is in {part_of.get(first, 'no part')}")
        else:
            yield warning("duplicate", first, message)


def _placed(name: str, part_of: Mapping[str, str]) -> str:
    part = part_of.get(name)
    return f"{name} in {part}" if part else name


def _missing_labels(seen: Sequence[Seen], parts: Parts, names: Mapping[int, str]) -> Iterator[Finding]:
    """A label that no validation case has is not measured, one that no training case has is not learned."""
    labels = {one.name: one.labels or frozenset() for one in seen}
    for part, cases in parts.items():
        if part != "test":
            found = {value for case in cases for value in labels.get(case.name, ())}
            make = warning if part == "validation" else error
            yield from (make("missing-label", "", said) for said in missing_from(part, names, found, "label"))


def _label_names(seen: Sequence[Seen], dataset: Dataset, recipe: Recipe | None) -> Mapping[int, str]:
    """The labels that are expected: the recipe's, the data's, or all that occur."""
    if recipe is not None:
        return {value: label.name for value, label in recipe.labels.items()} if recipe.task == "segment" else {}
    return dataset.label_names or {value: str(value) for one in seen for value in one.labels or ()}


def _times(spacing: Sequence[float]) -> str:
    return "×".join(f"{value:.3g}" for value in spacing)
