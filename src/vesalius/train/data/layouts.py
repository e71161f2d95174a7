"""Which layout a folder or file of training data has, and its cases."""

from __future__ import annotations

from pathlib import Path

from vesalius.errors import DatasetError
from vesalius.train.data.case import Dataset
from vesalius.train.data.folders import class_folders, decathlon, nnunet_raw, pairs
from vesalius.train.data.manifest import manifest_cases
from vesalius.train.data.medmnist import medmnist

_KNOWN = (
    "an nnU-Net raw or Decathlon folder (dataset.json, imagesTr, labelsTr), a folder with images/ and labels/, one "
    "with a folder of pictures a class, a MedMNIST .npz, or a .csv or .parquet manifest"
)


def open_dataset(path: Path, manifest: Path | None = None) -> Dataset:
    """The cases at ``path``; with ``manifest``, a table elsewhere, those that it names there.

    Raises:
        DatasetError: nothing is there, or no layout that we know.
    """
    if not path.exists():
        raise DatasetError(f"there are no data at {path}")
    if manifest is not None:
        return manifest_cases(manifest, path)
    if path.is_file():
        return _file(path)
    description = path / "dataset.json"
    if description.is_file():
        return decathlon(path) if '"training"' in description.read_text(encoding="utf-8") else nnunet_raw(path)
    if (path / "images").is_dir():
        return pairs(path)
    for name in ("manifest.csv", "manifest.parquet"):
        if (path / name).is_file():
            return manifest_cases(path / name, path)
    dataset = class_folders(path)
    if not dataset.cases:
        raise DatasetError(f"{path} has no layout known here; it may be {_KNOWN}")
    return dataset


def _file(path: Path) -> Dataset:
    if path.suffix == ".npz":
        return medmnist(path)
    if path.suffix in (".csv", ".parquet"):
        return manifest_cases(path, path.parent)
    raise DatasetError(f"{path} has no layout known here; it may be {_KNOWN}")
