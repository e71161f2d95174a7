"""A case: one image and what is known of it, read when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from vesalius.errors import DatasetError
from vesalius.io import read
from vesalius.results import Label, Labelmap, palette_colour
from vesalius.volume import Array, Geometry, Source, Volume

SplitName = Literal["train", "validation", "test", ""]
PICTURE = np.diag([-1.0, -1.0, 1.0, 1.0])  # the affine of a picture, as `vesalius.io` gives it
_SAME_PLACE_MM = 0.1


class Case(Protocol):
    """What a data set has of one patient's image; ``split`` is empty where the data do not say."""

    @property
    def name(self) -> str:
        """Unique within the data set."""

    @property
    def patient(self) -> str:
        """Whose it is: cases of one patient are never divided."""

    @property
    def split(self) -> SplitName:
        """Which part the data's authors put it in."""

    @property
    def target(self) -> int | None:
        """Its class."""

    def volume(self) -> Volume:
        """The image with all its channels."""

    def labelmap(self) -> Labelmap | None:
        """Its labels on the image's grid."""


@dataclass(frozen=True)
class FileCase:
    """A case in files: one image, or one a channel, and a label image where there is one."""

    name: str
    images: tuple[Path, ...]
    label: Path | None = None
    patient: str = ""
    split: SplitName = ""
    target: int | None = None

    def volume(self) -> Volume:
        """See `Case.volume`.

        Raises:
            DatasetError: the channels lie on different grids.
        """
        volumes = [read(path) for path in self.images]
        first = volumes[0]
        if len(volumes) == 1:
            return first
        for path, other in zip(self.images, volumes, strict=True):
            if other.geometry.shape != first.geometry.shape or not other.geometry.is_close(first.geometry, _SAME_PLACE_MM):
                raise DatasetError(f"the case {self.name}: {path.name} lies on another grid than {self.images[0].name}")
        names = tuple(path.name.split(".")[0] for path in self.images)
        voxels = np.concatenate([volume.voxels for volume in volumes])
        return Volume(voxels, first.geometry, first.modality, names, first.source)

    def labelmap(self) -> Labelmap | None:
        """See `Case.labelmap`. A picture of two values, such as 0 and 255, holds the labels 0 and 1.

        Raises:
            DatasetError: the label lies on another grid than the image, or holds no whole numbers.
        """
        if self.label is None:
            return None
        image, label = read(self.images[0]), read(self.label)
        if not _same_grid(image.geometry, label.geometry):
            raise DatasetError(
                f"the case {self.name}: the label {self.label.name} ({_grid(label.geometry)}) lies on another grid than "
                f"the image ({_grid(image.geometry)})"
            )
        voxels = _label_values(self.name, label)
        return Labelmap(voxels, image.geometry, _labels(voxels))


@dataclass(frozen=True, eq=False)
class ArrayCase:
    """A case in an array of pictures (rows, columns), (rows, columns, 3) or of volumes (I, J, K)."""

    name: str
    array: Array = field(repr=False)
    target: int | None = None
    split: SplitName = ""
    source: str = ""

    @property
    def patient(self) -> str:
        """Each its own: such files do not say."""
        return self.name

    def volume(self) -> Volume:
        """See `Case.volume`."""
        array = self.array
        colour = array.ndim == 3 and array.shape[-1] == 3
        if array.ndim == 2 or colour:
            rows_columns = array[..., np.newaxis] if not colour else array
            voxels = np.ascontiguousarray(rows_columns.transpose(2, 1, 0)[..., np.newaxis])
            channels: tuple[str, ...] = ("red", "green", "blue") if colour else ("grey",)
            geometry = Geometry((voxels.shape[1], voxels.shape[2], 1), PICTURE)
        else:
            voxels, channels = array[np.newaxis], ("image",)
            geometry = Geometry((array.shape[0], array.shape[1], array.shape[2]), np.eye(4))
        return Volume(voxels, geometry, channels=channels, source=Source((self.source,), "npz", orientation_known=False))

    def labelmap(self) -> Labelmap | None:
        """None: such files hold classes."""
        return None


@dataclass(frozen=True)
class Dataset:
    """The cases of a folder or file, in the order of their names, and the classes' or labels' names where it says them.

    ``problems`` are what stands in the way of a case before anything is read: (code, case, message).
    """

    path: Path
    layout: str
    cases: tuple[Case, ...]
    classes: Mapping[int, str] = field(default_factory=dict)
    problems: tuple[tuple[str, str, str], ...] = ()


def _same_grid(image: Geometry, label: Geometry) -> bool:
    return image.shape == label.shape and image.is_close(label, _SAME_PLACE_MM)


def _grid(geometry: Geometry) -> str:
    shape, origin = "×".join(map(str, geometry.shape)), ", ".join(f"{value:.1f}" for value in geometry.affine[:3, 3])
    return f"{shape} voxels at {origin} mm"


def _label_values(name: str, label: Volume) -> Array:
    """(I, J, K) unsigned integers; of a coloured mask the first channel."""
    voxels = label.voxels[0]
    values = np.unique(voxels)
    if not np.isfinite(values).all() or (values != np.round(values)).any() or values[0] < 0:
        raise DatasetError(f"the case {name}: its label image holds values that are no label numbers, such as {values[0]:g}")
    if label.source.format in ("PNG", "TIFF", "JPEG") and len(values) <= 2:
        return (voxels > 0).astype(np.uint8)
    return voxels.astype(np.uint8 if values[-1] < 256 else np.uint16)


def _labels(voxels: Array) -> dict[int, Label]:
    values = [int(value) for value in np.unique(voxels) if value]
    return {value: Label(name=f"label {value}", colour=palette_colour(value)) for value in values}
