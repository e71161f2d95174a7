"""MedMNIST's npz: ``train_images`` (N, rows, columns[, 3]) or (N, I, J, K), ``train_labels`` (N, 1), ``val_``…, ``test_``…"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from vesalius.errors import DatasetError
from vesalius.train.data.case import ArrayCase, Case, Dataset, SplitName
from vesalius.volume import Array

_PARTS: tuple[tuple[str, SplitName], ...] = (("train", "train"), ("val", "validation"), ("test", "test"))


def medmnist(path: Path) -> Dataset:
    """The cases of such a file, in their own parts.

    Raises:
        DatasetError: it is damaged, or its pictures and labels differ in number.
    """
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, BadZipFile, KeyError) as error:
        raise DatasetError(f"{path} cannot be read as npz: {error}") from error
    cases = tuple(case for part, split in _PARTS for case in _part(path, arrays, part, split))
    if not cases:
        raise DatasetError(f"{path} holds no train_images, val_images or test_images")
    classes = sorted({case.target for case in cases if case.target is not None})
    return Dataset(path, "MedMNIST", cases, {value: str(value) for value in classes})


def _part(path: Path, arrays: dict[str, Array], part: str, split: SplitName) -> Iterator[Case]:
    images, labels = arrays.get(f"{part}_images"), arrays.get(f"{part}_labels")
    if images is None or labels is None:
        return
    if len(images) != len(labels):
        raise DatasetError(f"{path} has {len(images)} {part}_images and {len(labels)} {part}_labels")
    if labels.size != len(labels):
        raise DatasetError(f"{path}: {part}_labels gives several labels a picture; only one class each can be learned")
    digits = len(str(len(images)))
    for number, (image, label) in enumerate(zip(images, labels.reshape(-1), strict=True)):
        yield ArrayCase(f"{part}-{number:0{digits}}", image, int(label), split, str(path))
