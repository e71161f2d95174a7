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
from vesalius.engine.region import fit_intensity
from vesalius.errors import DatasetError
from vesalius.train.data import Case
from vesalius.train.data.label_image import present
from vesalius.train.recipe import Recipe
from vesalius.transforms.resample import resample
from vesalius.volume import Geometry, Volume, reorder

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
        DatasetError: a case has no label, labels or channels that the recipe does not name, or values that are not
            finite; or no case has one of the recipe's labels.
        NotEnoughDiskError: ``store`` has no room for them.
    """
    prepared = []
    with progress.stage("prepare", len(cases)):
        for number, case in enumerate(cases):
            made = prepare(case, recipe)
            prepared.append(replace(made, image=_kept(made.image, store / f"{number}.npy")))
            progress.advance()
    if recipe.task == "segment":
        _check_all_labels(prepared, recipe)
    return prepared


def _check_all_labels(prepared: Sequence[Prepared], recipe: Recipe) -> None:
    found = {value for case in prepared if case.labels is not None for value in present(case.labels)}
    for value, label in recipe.labels.items():
        if value not in found:
            raise DatasetError(
                f"none of the {len(prepared)} cases to train on has the label {value} ({label.name}); take it out of "
                "the recipe, or train on cases that have it: see vesalius data check"
            )


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
    image = _image(case.name, volume, grid, recipe)
    labels = _labels(case, grid, recipe) if recipe.task == "segment" else None
    target = _target(case, recipe) if recipe.task == "classify" else None
    foreground = None if labels is None else _foreground(labels)
    return Prepared(case.name, image, labels, target, grid.spacing, foreground)


def _image(case: str, volume: Volume, grid: Geometry, recipe: Recipe) -> NDArray[np.float32]:
    """Resampled where need be and brought to range, channel by channel, exactly as the engine does."""
    same, spec = grid.is_close(volume.geometry), recipe.data.grid
    how = spec.interpolation if spec.kind == "whole" else "linear"
    image = np.empty((len(volume.channels), *grid.shape), np.float32)
    for whole, out in zip(volume.voxels, image, strict=True):
        seen = whole if same else resample(whole, volume.geometry, grid, how)
        fit_intensity(recipe.data.intensity, whole, seen).apply(seen, out)
    if not np.isfinite(image).all():
        raise DatasetError(
            f"the case {case} holds values that are infinite or not a number; mend or leave out its image"
        )
    return image


def _labels(case: Case, grid: Geometry, recipe: Recipe) -> NDArray[np.uint8]:
    labelmap = case.labelmap()
    if labelmap is None:
        raise DatasetError(f"the case {case.name} has no labels; see: vesalius data check")
    unknown = sorted(labelmap.labels.keys() - recipe.labels.keys())
    if unknown:
        raise DatasetError(
            f"the case {case.name} has the label {unknown[0]}, which the recipe does not name; see: vesalius data check"
        )
    own = labelmap.geometry.reoriented(recipe.orientation)
    voxels = reorder(labelmap.voxels, labelmap.geometry, recipe.orientation)
    seen = voxels if grid.is_close(own) else resample(voxels, own, grid, "nearest")
    return np.ascontiguousarray(seen, np.uint8)


def _target(case: Case, recipe: Recipe) -> int:
    if case.target is None:
        raise DatasetError(f"the case {case.name} has no class; see: vesalius data check")
    if case.target not in recipe.labels:
        raise DatasetError(f"the case {case.name} has the class {case.target}, which the recipe does not name")
    return case.target


def _check_channels(name: str, volume: Volume, recipe: Recipe) -> None:
    if len(volume.channels) != len(recipe.channels):
        raise DatasetError(
            f"the case {name} has {len(volume.channels)} channel(s), the recipe names {len(recipe.channels)} "
            f"({', '.join(recipe.channels)})"
        )


def _foreground(labels: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Up to 4096 labelled voxels, spread evenly over each label."""
    values = [value for value in present(labels) if value]
    parts = []
    for value in values:
        places = np.flatnonzero(labels == value)
        count = min(len(places), _FOREGROUND_VOXELS // len(values))
        chosen = places[np.linspace(0, len(places) - 1, count).astype(int)]
        parts.append(np.stack(np.unravel_index(chosen, labels.shape), axis=1).astype(np.int32))
    return np.concatenate(parts) if parts else np.empty((0, 3), np.int32)
