"""Cases as the network sees them: oriented, on the grid's spacing, brought to range; once, before training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vesalius.aside import aside
from vesalius.engine.plan import network_grid
from vesalius.engine.progress import Progress
from vesalius.engine.run import fit_intensity
from vesalius.errors import DatasetError
from vesalius.train.data import Case
from vesalius.train.recipe import Recipe
from vesalius.transforms.resample import resample
from vesalius.volume import Geometry, Volume

_FOREGROUND_VOXELS = 4096
_LARGE = 2**23  # bytes from which an array lies on the disk and is mapped into memory


@dataclass(frozen=True, eq=False)
class Prepared:
    """One case in memory.

    ``image`` (C, I, J, K) float32 and ``labels`` (I, J, K) uint8 lie on the network's spacing; ``foreground`` (M, 3)
    are indices of labelled voxels, each label with an equal share; ``target`` is the class.
    """

    name: str
    image: NDArray[np.float32]
    labels: NDArray[np.uint8] | None
    target: int | None
    spacing: tuple[float, float, float]
    foreground: NDArray[np.int32] | None


def prepare_all(cases: Sequence[Case], recipe: Recipe, store: Path, progress: Progress) -> list[Prepared]:
    """All ``cases``; large images lie in the folder ``store`` and are read as they are needed.

    Raises:
        DatasetError: a case has no label, or labels or channels that the recipe does not name.
        NotEnoughDiskError: ``store`` has no room for them.
    """
    prepared = []
    with progress.stage("prepare", len(cases)):
        for number, case in enumerate(cases):
            made = prepare(case, recipe)
            prepared.append(replace(made, image=_kept(made.image, store / f"{number}.npy")))
            progress.advance()
    return prepared


def _kept(image: NDArray[np.float32], path: Path) -> NDArray[np.float32]:
    if image.nbytes < _LARGE:
        return image
    path.parent.mkdir(parents=True, exist_ok=True)
    with aside(path) as temporary, temporary.open("wb") as file:
        np.save(file, image)
    mapped: NDArray[np.float32] = np.load(path, mmap_mode="r")
    return mapped


def prepare(case: Case, recipe: Recipe) -> Prepared:
    """One case; see `prepare_all`."""
    volume = case.volume().reoriented(recipe.orientation)
    _check_channels(case.name, volume, recipe)
    grid = network_grid(recipe.data.grid, volume.geometry)
    image = _image(volume, grid, recipe)
    labels = _labels(case, grid, recipe) if recipe.task == "segment" else None
    target = _target(case, recipe) if recipe.task == "classify" else None
    foreground = None if labels is None else _foreground(labels)
    return Prepared(case.name, image, labels, target, grid.spacing, foreground)


def _image(volume: Volume, grid: Geometry, recipe: Recipe) -> NDArray[np.float32]:
    """Resampled where need be and brought to range, channel by channel, exactly as the engine does."""
    seen = [channel if grid.is_close(volume.geometry) else resample(channel, volume.geometry, grid) for channel in volume.voxels]
    image = np.empty((len(seen), *grid.shape), np.float32)
    for whole, part, out in zip(volume.voxels, seen, image, strict=True):
        fit_intensity(recipe.data.intensity, whole, part).apply(part, out)
    return image


def _labels(case: Case, grid: Geometry, recipe: Recipe) -> NDArray[np.uint8]:
    labelmap = case.labelmap()
    if labelmap is None:
        raise DatasetError(f"the case {case.name} has no labels; see: vesalius data check")
    found = labelmap.reoriented(recipe.orientation)
    voxels = found.voxels
    if not grid.is_close(found.geometry):
        voxels = resample(voxels, found.geometry, grid, "nearest")
    unknown = sorted(set(np.unique(voxels).tolist()) - {0, *recipe.labels})
    if unknown:
        raise DatasetError(
            f"the case {case.name} has the label {unknown[0]}, which the recipe does not name; see: vesalius data check"
        )
    return np.ascontiguousarray(voxels, np.uint8)


def _target(case: Case, recipe: Recipe) -> int:
    if case.target not in recipe.labels:
        raise DatasetError(f"the case {case.name} has the class {case.target}, which the recipe does not name")
    return int(case.target)


def _check_channels(name: str, volume: Volume, recipe: Recipe) -> None:
    if len(volume.channels) != len(recipe.channels):
        raise DatasetError(
            f"the case {name} has {len(volume.channels)} channel(s), the recipe names {len(recipe.channels)} "
            f"({', '.join(recipe.channels)})"
        )


def _foreground(labels: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Up to 4096 labelled voxels, spread evenly over each label."""
    values = [value for value in np.unique(labels).tolist() if value]
    parts = []
    for value in values:
        places = np.argwhere(labels == value).astype(np.int32)
        count = min(len(places), _FOREGROUND_VOXELS // len(values))
        parts.append(places[np.linspace(0, len(places) - 1, count).astype(int)])
    return np.concatenate(parts) if parts else np.empty((0, 3), np.int32)
