"""Data sets for the benchmarks of learning, made of the real ones: nothing in them is synthetic."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.learning import DATA
from vesalius.io import read
from vesalius.train.data import divide, open_dataset
from vesalius.train.recipe import Split

HIPPOCAMPUS = DATA / "hippocampus"
PNEUMONIA = DATA / "pneumonia" / "pneumoniamnist-trainval.npz"
_CROP = (32, 48, 32)
_BAG = 8


def hippocampus_manifest(path: Path, training: int, validation: int) -> Path:
    """A manifest of so many training and validation cases of fold 0 of 5 with seed 0, in the order of their names."""
    from vesalius.models.spec import SlidingGrid
    from vesalius.train.recipe import Data

    data = Data(split=Split(folds=5, fold=0, seed=0), grid=SlidingGrid(patch=(48, 64, 48)))
    division = divide(open_dataset(HIPPOCAMPUS), data)
    parts = (("train", division.training[:training]), ("validation", division.validation[:validation]))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("name", "image", "label", "split"))
        for split, cases in parts:
            for case in cases:
                writer.writerow((case.name, f"images/{case.name}.nii.gz", f"labels/{case.name}.nii.gz", split))
    return path


def hippocampus_sizes(path: Path) -> Path:
    """A MedMNIST file of 3D images (32, 48, 32): is this hippocampus larger than the training cases' median?"""
    dataset = open_dataset(HIPPOCAMPUS)
    images = np.stack([_middle(case.volume().voxels[0]) for case in dataset.cases])
    volumes = np.array([_labelled(case.label) for case in dataset.cases])  # type: ignore[attr-defined]
    order = np.random.default_rng(0).permutation(len(images))
    train, held = order[40:], order[:40]
    classes = (volumes > np.median(volumes[train])).astype(np.uint8)[:, None]
    np.savez(
        path,
        train_images=images[train],
        train_labels=classes[train],
        val_images=images[held],
        val_labels=classes[held],
    )
    return path


def pneumonia_bags(path: Path) -> Path:
    """A MedMNIST file of bags of eight chest X-rays (28, 28, 8): is there pneumonia in any of them?

    Half of the bags hold one to three X-rays with pneumonia, the others none.
    """
    with np.load(PNEUMONIA) as file:
        parts = {name: (file[f"{name}_images"], file[f"{name}_labels"].ravel()) for name in ("train", "val")}
    arrays = {}
    for number, (name, (images, labels)) in enumerate(parts.items()):
        random = np.random.default_rng(number)
        bags = [_bag(images, labels, index % 2 == 1, random) for index in range(600 if name == "train" else 120)]
        arrays[f"{name}_images"] = np.stack(bags)
        arrays[f"{name}_labels"] = (np.arange(len(bags)) % 2).astype(np.uint8)[:, None]
    np.savez(path, **arrays)
    return path


def _bag(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], positive: bool, random: np.random.Generator
) -> NDArray[np.uint8]:
    """(I, J, K): columns, rows, pictures."""
    ill = int(random.integers(1, 4)) if positive else 0
    chosen = [*random.choice(np.flatnonzero(labels == 1), ill), *random.choice(np.flatnonzero(labels == 0), _BAG - ill)]
    return images[random.permutation(chosen)].transpose(2, 1, 0)


def _middle(voxels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cut or padded with its lowest value to the common size, about its middle."""
    out = np.full(_CROP, voxels.min(), np.float32)
    source, target = [], []
    for length, wanted in zip(voxels.shape, _CROP, strict=True):
        inside = min(length, wanted)
        source.append(slice((length - inside) // 2, (length - inside) // 2 + inside))
        target.append(slice((wanted - inside) // 2, (wanted - inside) // 2 + inside))
    out[tuple(target)] = voxels[tuple(source)]
    return out


def _labelled(path: Path) -> int:
    return int((read(path).voxels > 0).sum())
