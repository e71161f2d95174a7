"""Layouts that a ``dataset.json`` describes: nnU-Net raw and the Medical Segmentation Decathlon's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vesalius.errors import DatasetError
from vesalius.train.data.case import Case, Dataset, FileCase
from vesalius.train.data.findings import error
from vesalius.train.data.folders import by_name, paired
from vesalius.train.data.images import stem


def described(path: Path) -> Dataset:
    """The cases of a folder with a ``dataset.json``: the Decathlon's lists its files, that of nnU-Net does not.

    Raises:
        DatasetError: it is no such JSON, or names labels that are regions or to be ignored.
    """
    description = _read(path / "dataset.json")
    return (
        _decathlon(path, description) if isinstance(description.get("training"), list) else _nnunet(path, description)
    )


def _nnunet(path: Path, description: Mapping[str, Any]) -> Dataset:
    """nnU-Net's ``imagesTr`` and ``labelsTr``; labels are name → number."""
    names = {}
    for name, value in _labels(path, description).items():
        if not isinstance(value, int):
            raise DatasetError(
                f"{path / 'dataset.json'}: the label {name!r} is the region {value}; regions that overlap are not "
                "learned here: give every label one number of its own"
            )
        if name == "ignore":
            raise DatasetError(f"{path / 'dataset.json'}: labels to be ignored, such as {value}, are not known here")
        names[value] = str(name)
    names.pop(0, None)
    return paired(path, path / "imagesTr", path / "labelsTr", "nnU-Net raw", names, always_channels=True)


def _decathlon(path: Path, description: Mapping[str, Any]) -> Dataset:
    """The Decathlon's list of ``{"image": …, "label": …}``; labels are number → name."""
    labels = _labels(path, description)
    if not all(value.isdecimal() for value in labels):
        raise DatasetError(
            f"{path / 'dataset.json'}: the labels are numbered by {', '.join(labels)}, which are no numbers"
        )
    cases: list[Case] = []
    problems = []
    for number, entry in enumerate(description["training"]):
        case = _entry(path, number, entry)
        missing = [file for file in (*case.images, case.label) if file is not None and not file.is_file()]
        problems += [error("missing-file", case.name, f"{file} is not there") for file in missing]
        if not missing:
            cases.append(case)
    names = {int(value): str(name) for value, name in labels.items() if int(value)}
    return Dataset(path, "Decathlon", tuple(sorted(cases, key=by_name)), names, tuple(problems))


def _entry(path: Path, number: int, entry: Any) -> FileCase:
    if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in ("image", "label")):
        raise DatasetError(f"{path / 'dataset.json'}: entry {number} of training does not name an image and a label")
    image = path / entry["image"]
    name = stem(image) or image.name
    return FileCase(name, (image,), path / entry["label"], name)


def _labels(path: Path, description: Mapping[str, Any]) -> dict[str, Any]:
    labels = description.get("labels", {})
    if not isinstance(labels, dict):
        raise DatasetError(f"{path / 'dataset.json'}: labels is no table of names and numbers")
    return labels


def _read(path: Path) -> dict[str, Any]:
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as failure:
        raise DatasetError(f"{path} is no JSON: {failure}") from failure
    if not isinstance(description, dict):
        raise DatasetError(f"{path} describes no data set")
    return description
