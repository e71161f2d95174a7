"""MedMNIST's npz (Yang et al., "MedMNIST v2", Scientific Data 10:41, 2023).

``train_images`` are pictures (N, rows, columns), (N, rows, columns, 3) or volumes (N, I, J, K), ``train_labels`` (N, 1)
their classes; ``val_`` and ``test_`` likewise. Without labels the pictures have no class.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile
from zlib import error as ZlibError  # noqa: N812 -- it is an exception

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
    except (OSError, ValueError, EOFError, AttributeError, TypeError, BadZipFile, ZlibError) as error:
        raise DatasetError(f"{path} cannot be read as npz: {error}") from error
    cases = tuple(case for part, split in _PARTS for case in _part(path, arrays, part, split))
    if not cases:
        raise DatasetError(f"{path} holds no train_images, val_images or test_images")
    classes = sorted({case.target for case in cases if case.target is not None})
    return Dataset(path, "MedMNIST", cases, {value: str(value) for value in classes})


def _part(path: Path, arrays: dict[str, Array], part: str, split: SplitName) -> Iterator[Case]:
    images = arrays.get(f"{part}_images")
    if images is None:
        return
    targets = _targets(path, part, len(images), arrays.get(f"{part}_labels"))
    kind = _kind(path, part, images)
    images = images[..., 0] if images.ndim > 3 and images.shape[-1] == 1 else images
    digits = len(str(len(images)))
    for number, (image, target) in enumerate(zip(images, targets, strict=True)):
        yield ArrayCase(f"{part}-{number:0{digits}}", image, kind, target, split, str(path))


def _kind(path: Path, part: str, images: Array) -> Literal["grey", "colour", "volume"]:
    match images.shape[1:]:
        case (_, _) | (_, _, 1):
            return "grey"
        case (_, _, 3):
            return "colour"
        case (_, _, _) | (_, _, _, 1):
            return "volume"
        case shape:
            raise DatasetError(f"{path}: {part}_images holds arrays of {shape}, neither pictures nor volumes")


def _targets(path: Path, part: str, count: int, labels: Array | None) -> list[int | None]:
    if labels is None:
        return [None] * count
    if len(labels) != count:
        raise DatasetError(f"{path} has {count} {part}_images and {len(labels)} {part}_labels")
    if labels.size != count:
        raise DatasetError(f"{path}: {part}_labels gives several labels a picture; only one class each can be learned")
    numbers = labels.reshape(-1)
    if numbers.dtype.kind not in "uib":
        raise DatasetError(f"{path}: {part}_labels holds {numbers.dtype}, classes are whole numbers")
    return [int(number) for number in numbers]
