"""Layouts of folders: images beside labels, and a folder of pictures a class."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from vesalius.errors import DatasetError
from vesalius.train.data.case import Case, Dataset, FileCase, SplitName
from vesalius.train.data.findings import Finding, error
from vesalius.train.data.images import stem

_CHANNEL = re.compile(r"_\d{4}$")
_PARTS: Mapping[str, SplitName] = {
    "train": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}


def pairs(path: Path) -> Dataset:
    """``images/`` and ``labels/`` with equal names.

    Several channels of a case end in ``_0000``, ``_0001`` …, which its label's name has not.
    """
    return paired(path, path / "images", path / "labels", "images and labels")


def paired(
    path: Path,
    images: Path,
    labels: Path,
    layout: str,
    names: Mapping[int, str] | None = None,
    always_channels: bool = False,
) -> Dataset:
    """The cases of two folders; with ``always_channels`` also an image without a label ends in its channel.

    Raises:
        DatasetError: there is no folder of images.
    """
    if not images.is_dir():
        raise DatasetError(f"{path} has no folder {images.name}")
    found, doubled = _named(images)
    known, doubled_labels = _named(labels) if labels.is_dir() else ({}, [])
    grouped: dict[str, list[Path]] = defaultdict(list)
    for name, file in found.items():
        grouped[_case_name(name, known, always_channels)].append(file)
    cases = [FileCase(name, tuple(files), known.get(name), name) for name, files in sorted(grouped.items())]
    alone = [error("missing-image", name, f"{images.name}/ has none for its label") for name in known.keys() - grouped]
    problems = (*doubled, *doubled_labels, *sorted(alone, key=lambda problem: problem.case))
    return Dataset(path, layout, tuple(cases), names or {}, problems)


def class_folders(path: Path) -> Dataset:
    """One folder of pictures a class, numbered in the order of their names; or train/, val/ and test/ with such.

    Raises:
        DatasetError: train/, val/ and test/ hold images and labels, not classes.
    """
    found = list(_class_folders(path))
    names = sorted({folder.name for _, folder in found})
    if {"images", "labels"} <= set(names):
        raise DatasetError(
            f"{path} has images/ and labels/ in each part; put the images of all parts in one folder and the labels in "
            "another, and name each case's part in a manifest"
        )
    cases: list[Case] = []
    for split, folder in found:
        for image in sorted(folder.iterdir()):
            if stem(image) is not None:
                name = image.relative_to(path).as_posix()
                cases.append(FileCase(name, (image,), None, name, split, names.index(folder.name)))
    return Dataset(path, "a folder a class", tuple(sorted(cases, key=by_name)), dict(enumerate(names)))


def by_name(case: Case) -> str:
    """What cases are sorted by."""
    return case.name


def _class_folders(path: Path) -> Iterator[tuple[SplitName, Path]]:
    folders = _folders_in(path)
    if folders and all(folder.name in _PARTS for folder in folders):
        yield from ((_PARTS[folder.name], inner) for folder in folders for inner in _folders_in(folder))
    else:
        yield from (("", folder) for folder in folders)


def _folders_in(path: Path) -> list[Path]:
    return sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _named(folder: Path) -> tuple[dict[str, Path], list[Finding]]:
    """The images of a folder by their names without ending, and those of which there are two of one name."""
    found: dict[str, Path] = {}
    doubled = []
    for file in sorted(folder.iterdir()):
        name = stem(file)
        if name in found:
            doubled.append(error("same-name", name, f"{folder.name}/ has both {found[name].name} and {file.name}"))
        elif name is not None:
            found[name] = file
    return found, doubled


def _case_name(name: str, labelled: Collection[str], always: bool) -> str:
    """The name without its channel, where that is what a label is called or ``always``; numbers of slices stay."""
    case = _CHANNEL.sub("", name)
    return case if name not in labelled and (always or case in labelled) else name
