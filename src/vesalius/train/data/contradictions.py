"""What a data set says of its cases, held against itself and the recipe before any voxel is read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from vesalius.errors import DatasetError
from vesalius.train.data.case import Case, Dataset
from vesalius.train.data.findings import Finding, error
from vesalius.train.data.label_image import laid_on
from vesalius.train.data.split import Division
from vesalius.train.recipe import Recipe

#: name of a part → its cases
Parts = Mapping[str, Sequence[Case]]


def parts_of(dataset: Dataset, division: Division | None) -> Parts:
    """The cases to train on, to validate on and to test on; one part of the name "" where nothing divides them."""
    if division is not None:
        tests = [case for case in dataset.cases if case.split == "test"]
        return {"train": division.training, "validation": division.validation, "test": tests}
    parts: dict[str, list[Case]] = defaultdict(list)
    for case in dataset.cases:
        parts[case.split].append(case)
    return parts


def refuse_unusable(dataset: Dataset, division: Division, recipe: Recipe) -> None:
    """Stop before training where the data cannot serve it: fast, from names and headers alone.

    Raises:
        DatasetError: a file is missing, a case has no label or class, a class has no case to learn from, a patient is
            in two parts, or a validation label lies on another grid than its image.
    """
    for finding in contradictions(dataset, parts_of(dataset, division), recipe):
        raise DatasetError(f"{finding}; see: vesalius data check {dataset.path}")
    if recipe.task == "segment":
        for case in division.validation:
            _check_grid(case)


def contradictions(dataset: Dataset, parts: Parts, recipe: Recipe | None) -> Iterator[Finding]:
    """Errors, all of them; without a recipe a data set that has labels or classes is expected to have them all."""
    yield from dataset.problems
    count = len(dataset.cases)
    if count < 2:
        yield error("too-few", "", f"{dataset.path} has {count} usable case(s); training needs at least two")
    yield from _patients_in_two_parts(parts)
    if recipe.task == "segment" if recipe else any(case.labelled for case in dataset.cases):
        yield from (error("no-label", case.name, "it has no label image") for case in _used(parts) if not case.labelled)
    if recipe.task == "classify" if recipe else any(case.target is not None for case in dataset.cases):
        yield from _classes(dataset, parts, recipe)
    if recipe is not None:
        yield from _swapped(dataset.classes, recipe)


def missing_from(part: str, names: Mapping[int, str], found: Collection[int], what: str) -> Iterator[str]:
    """A sentence for each class or label of ``names`` that is not ``found`` in a part."""
    where = {"train": "case to train on", "validation": "case to validate on"}.get(part, "case")
    for value in sorted(names.keys() - set(found)):
        said = f"{value} ({names[value]})" if names[value] != str(value) else str(value)
        yield f"no {where} has the {what} {said}"


def _used(parts: Parts) -> list[Case]:
    return [case for part, cases in parts.items() if part != "test" for case in cases]


def _patients_in_two_parts(parts: Parts) -> Iterator[Finding]:
    where: dict[str, dict[str, str]] = defaultdict(dict)
    for part, cases in parts.items():
        for case in cases:
            where[case.patient].setdefault(part, case.name)
    for patient, places in sorted(where.items()):
        if len(places) > 1:
            listed = " and ".join(f"{part} ({name})" for part, name in places.items())
            yield error("patient-across-splits", "", f"the patient {patient} is in more than one part: {listed}")


def _classes(dataset: Dataset, parts: Parts, recipe: Recipe | None) -> Iterator[Finding]:
    names = {value: label.name for value, label in recipe.labels.items()} if recipe else dataset.classes
    for case in _used(parts):
        if case.target is None:
            yield error("no-class", case.name, "it has no class")
        elif case.target not in names:
            yield error("unknown-class", case.name, f"it has the class {case.target}, which the recipe does not name")
    for part, cases in parts.items():
        if part != "test":
            found = {case.target for case in cases if case.target is not None}
            yield from (error("missing-class", "", said) for said in missing_from(part, names, found, "class"))


def _swapped(own: Mapping[int, str], recipe: Recipe) -> Iterator[Finding]:
    """Names of the data that the recipe gives to other numbers: the model would say one class and mean the other."""
    numbers = {label.name.casefold(): value for value, label in recipe.labels.items()}
    for value, name in own.items():
        other = numbers.get(name.casefold(), value)
        if other != value:
            message = (
                f"{name} has the number {value} in the data and {other} in the recipe; renumber the recipe's labels"
            )
            yield error("swapped-names", "", message)


def _check_grid(case: Case) -> None:
    label = case.label_image()
    if label is not None:
        try:
            laid_on(case.volume().geometry, label)
        except DatasetError as failure:
            raise DatasetError(f"the case {case.name}: {failure}") from failure
