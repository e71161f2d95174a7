"""Which layout a folder or file of training data has, and its cases."""

from __future__ import annotations

from pathlib import Path

from vesalius.errors import DatasetError
from vesalius.train.data.case import Dataset
from vesalius.train.data.described import described
from vesalius.train.data.folders import class_folders, pairs
from vesalius.train.data.manifest import manifest_cases
from vesalius.train.data.medmnist import medmnist

_KNOWN = (
    "an nnU-Net raw or Decathlon folder (dataset.json, imagesTr, labelsTr), a folder with images/ and labels/, one "
    "with a folder of pictures a class, a MedMNIST .npz, or a .csv or .parquet manifest"
)


def open_dataset(path: Path, manifest: Path | None = None) -> Dataset:
    """The cases at ``path``; with ``manifest``, a table elsewhere, those that it names there.

    Raises:
        DatasetError: nothing is there, no layout that we know, or one that contradicts itself.
    """
    if not path.exists():
        raise DatasetError(f"there are no data at {path}; check the name")
    if manifest is not None:
        return manifest_cases(manifest, path)
    dataset = _folder(path) if path.is_dir() else _file(path)
    if dataset is None or not (dataset.cases or dataset.problems):
        raise DatasetError(f"{path} has no layout known here; it may be {_KNOWN}")
    return dataset


def _folder(path: Path) -> Dataset:
    if (path / "dataset.json").is_file():
        return described(path)
    if (path / "images").is_dir():
        return pairs(path)
    for name in ("manifest.csv", "manifest.parquet"):
        if (path / name).is_file():
            return manifest_cases(path / name, path)
    return class_folders(path)


def _file(path: Path) -> Dataset | None:
    if path.suffix == ".npz":
        return medmnist(path)
    return manifest_cases(path, path.parent) if path.suffix in (".csv", ".parquet") else None
