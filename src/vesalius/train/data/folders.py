"""Layouts of folders: nnU-Net raw, Decathlon, images beside labels, and a folder a class."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vesalius.errors import DatasetError
from vesalius.train.data.case import Case, Dataset, FileCase

_CHANNEL = re.compile(r"_\d{4}$")
_IMAGES = (".nii.gz", ".nii", ".nrrd", ".mha", ".mhd", ".png", ".jpg", ".jpeg", ".tif", ".tiff")


def stem(path: Path) -> str | None:
    """The file's name without its ending, or None where it is no image."""
    name = path.name
    ending = next((ending for ending in _IMAGES if name.lower().endswith(ending)), None)
    return None if ending is None or name.startswith(".") else name[: -len(ending)]


def pairs(path: Path) -> Dataset:
    """``images/`` and ``labels/`` with equal names; a channel may stand as ``_0000`` at the end of an image's."""
    return _paired(path, path / "images", path / "labels", "images and labels", {})


def nnunet_raw(path: Path) -> Dataset:
    """nnU-Net's ``imagesTr``, ``labelsTr`` and ``dataset.json`` of version 2."""
    labels = _described(path).get("labels", {})
    names = {int(value): str(name) for name, value in labels.items() if isinstance(value, int)}
    return _paired(path, path / "imagesTr", path / "labelsTr", "nnU-Net raw", names)


def decathlon(path: Path) -> Dataset:
    """The Medical Segmentation Decathlon's ``dataset.json``, which lists its files."""
    described = _described(path)
    names = {int(value): str(name) for value, name in described.get("labels", {}).items()}
    cases: list[Case] = []
    problems = []
    for entry in described["training"]:
        image, label = path / entry["image"], path / entry["label"]
        name = stem(image) or image.name
        missing = [file for file in (image, label) if not file.is_file()]
        problems += [("missing-file", name, f"{file} is not there") for file in missing]
        if not missing:
            cases.append(FileCase(name, (image,), label, name))
    return Dataset(path, "Decathlon", tuple(sorted(cases, key=_name)), names, tuple(problems))


def class_folders(path: Path) -> Dataset:
    """One folder of pictures a class, numbered in the order of their names; or train/, val/ and test/ with such."""
    parts = {"train": "train", "val": "validation", "validation": "validation", "test": "test"}
    folders = sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if folders and all(folder.name in parts for folder in folders):
        found = [(parts[folder.name], inner) for folder in folders for inner in sorted(folder.iterdir()) if inner.is_dir()]
    else:
        found = [("", folder) for folder in folders]
    names = sorted({folder.name for _, folder in found})
    cases: list[Case] = []
    for split, folder in found:
        for image in sorted(folder.iterdir()):
            if stem(image) is not None:
                name = str(image.relative_to(path))
                cases.append(FileCase(name, (image,), None, name, split, names.index(folder.name)))  # type: ignore[arg-type]
    return Dataset(path, "a folder a class", tuple(sorted(cases, key=_name)), dict(enumerate(names)))


def _paired(path: Path, images: Path, labels: Path, layout: str, names: Mapping[int, str]) -> Dataset:
    if not images.is_dir():
        raise DatasetError(f"{path} has no folder {images.name}")
    found: dict[str, list[Path]] = {}
    for file in sorted(images.iterdir()):
        own = stem(file)
        if own is not None:
            found.setdefault(own, []).append(file)
    known = {stem(file): file for file in sorted(labels.iterdir())} if labels.is_dir() else {}
    grouped = _by_channel(found, known.keys())
    cases: list[Case] = [FileCase(name, tuple(files), known.get(name), name) for name, files in sorted(grouped.items())]
    problems = []
    if labels.is_dir():
        problems += [("missing-label", name, f"{labels.name}/ has none for it") for name in grouped if name not in known]
        problems += [
            ("missing-image", name, f"{images.name}/ has none for the label") for name in known if name and name not in grouped
        ]
    return Dataset(path, layout, tuple(cases), names, tuple(problems))


def _by_channel(found: Mapping[str, list[Path]], labelled: Any) -> dict[str, list[Path]]:
    """Images whose names differ only in ``_0000`` are channels of one case, unless a label has the whole name."""
    grouped: dict[str, list[Path]] = {}
    for name, files in found.items():
        grouped.setdefault(name if name in labelled else _CHANNEL.sub("", name), []).extend(files)
    return grouped


def _described(path: Path) -> dict[str, Any]:
    try:
        described: dict[str, Any] = json.loads((path / "dataset.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise DatasetError(f"{path / 'dataset.json'} is no JSON: {error}") from error
    return described


def _name(case: Case) -> str:
    return case.name
