"""The image of a case: a file, a DICOM series, or a folder of pictures that are the slices of one study."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vesalius.errors import DatasetError
from vesalius.io import read
from vesalius.volume import Geometry, Source, Volume

_PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
_SCANS = (".nii.gz", ".nii", ".nrrd", ".mha", ".mhd")


def stem(path: Path) -> str | None:
    """The file's name without its ending, or None where it is no image."""
    name = path.name
    ending = next((ending for ending in (*_SCANS, *_PICTURES) if name.lower().endswith(ending)), None)
    return None if ending is None or name.startswith(".") else name[: -len(ending)]


def read_image(path: Path) -> Volume:
    """The scan at ``path``, its voxels unread; the pictures of a folder follow each other along K, as their numbers do.

    Raises:
        DatasetError: the pictures of the folder differ in size or channels.
        InputError: as `vesalius.io.read`.
    """
    if not path.is_dir():
        return read(path)
    pictures = [file for file in path.iterdir() if file.suffix.lower() in _PICTURES and stem(file) is not None]
    return _stacked(path, sorted(pictures, key=_numbers)) if pictures else read(path)


def joined(name: str, paths: Sequence[Path]) -> Volume:
    """The images at ``paths`` as the channels of one.

    Raises:
        DatasetError: they lie on different grids.
    """
    volumes = [read_image(path) for path in paths]
    first = volumes[0]
    if len(volumes) == 1:
        return first
    for path, other in zip(paths, volumes, strict=True):
        if not same_place(first.geometry, other.geometry):
            raise DatasetError(f"the case {name}: {path.name} lies on another grid than {paths[0].name}")
    channels = tuple(
        path.name.split(".")[0] if len(volume.channels) == 1 else f"{path.name.split('.')[0]} {channel}"
        for path, volume in zip(paths, volumes, strict=True)
        for channel in volume.channels
    )
    source = Source(tuple(map(str, paths)), first.source.format, orientation_known=first.source.orientation_known)
    return Volume(
        lambda: np.concatenate([volume.voxels for volume in volumes]), first.geometry, first.modality, channels, source
    )


def same_place(first: Geometry, second: Geometry) -> bool:
    """Whether two grids agree to a tenth of a voxel, as rounding in headers allows."""
    return first.is_close(second, min(first.spacing) / 10)


def _stacked(folder: Path, pictures: Sequence[Path]) -> Volume:
    volumes = [read(path) for path in pictures]
    first = volumes[0]
    for path, other in zip(pictures, volumes, strict=True):
        if other.geometry.shape != first.geometry.shape or other.channels != first.channels:
            raise DatasetError(
                f"{path} differs in size or channels from {pictures[0].name}; slices of one study may not"
            )
    columns, rows, pages = first.geometry.shape
    return Volume(
        lambda: np.concatenate([volume.voxels for volume in volumes], axis=-1),
        Geometry((columns, rows, pages * len(volumes)), first.geometry.affine),
        channels=first.channels,
        source=Source((str(folder),), first.source.format, orientation_known=False),
    )


def _numbers(path: Path) -> list[tuple[int, str]]:
    """Sorts slice-2 before slice-10."""
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if place % 2 else (0, part) for place, part in enumerate(parts)]
