"""A case: one image and what is known of it, read when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from vesalius.errors import DatasetError
from vesalius.results import Label, Labelmap, palette_colour
from vesalius.train.data.findings import Finding
from vesalius.train.data.images import joined, read_image
from vesalius.train.data.label_image import LabelArray, label_values, laid_on, present, read_label
from vesalius.volume import Array, Geometry, Source, Volume

SplitName = Literal["train", "validation", "test", ""]
_PICTURE = np.diag([-1.0, -1.0, 1.0, 1.0])  # the affine of a picture, as `vesalius.io` gives it


class Case(Protocol):
    """What a data set has of one image; ``split`` is empty where the data do not say."""

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

    @property
    def labelled(self) -> bool:
        """Whether it has a label image."""

    def volume(self) -> Volume:
        """The image with all its channels."""

    def label_image(self) -> Volume | None:
        """The label image as it is stored, its voxels unread."""

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

    @property
    def labelled(self) -> bool:
        """See `Case.labelled`."""
        return self.label is not None

    def volume(self) -> Volume:
        """See `Case.volume`.

        Raises:
            DatasetError: the channels lie on different grids.
        """
        return joined(self.name, self.images)

    def label_image(self) -> Volume | None:
        """See `Case.label_image`."""
        return None if self.label is None else read_label(self.label)

    def labelmap(self) -> Labelmap | None:
        """See `Case.labelmap`.

        Raises:
            DatasetError: the label lies on another grid than the image, or holds no label numbers.
        """
        label = self.label_image()
        if label is None:
            return None
        geometry = read_image(self.images[0]).geometry
        try:
            voxels = label_values(laid_on(geometry, label))
        except DatasetError as error:
            raise DatasetError(f"the case {self.name}: {error}") from error
        return Labelmap(voxels, geometry, _labels(voxels))


@dataclass(frozen=True, eq=False)
class ArrayCase:
    """A case in an array: a picture (rows, columns) or (rows, columns, 3), or a volume (I, J, K), as ``kind`` says."""

    name: str
    array: Array = field(repr=False)
    kind: Literal["grey", "colour", "volume"] = "grey"
    target: int | None = None
    split: SplitName = ""
    source: str = ""
    labelled: bool = field(default=False, init=False)

    @property
    def patient(self) -> str:
        """Each its own: such files do not say."""
        return self.name

    def volume(self) -> Volume:
        """See `Case.volume`."""
        source = Source((self.source,), "npz", orientation_known=False)
        if self.kind == "volume":
            i, j, k = self.array.shape
            return Volume(self.array[np.newaxis], Geometry((i, j, k), np.eye(4)), source=source)
        planes = self.array[..., np.newaxis] if self.kind == "grey" else self.array
        voxels = np.ascontiguousarray(planes.transpose(2, 1, 0)[..., np.newaxis])
        channels = ("grey",) if self.kind == "grey" else ("red", "green", "blue")
        return Volume(voxels, Geometry((*voxels.shape[1:3], 1), _PICTURE), channels=channels, source=source)

    def label_image(self) -> Volume | None:
        """None: such files hold classes."""

    def labelmap(self) -> Labelmap | None:
        """None: such files hold classes."""


@dataclass(frozen=True)
class Dataset:
    """The cases of a folder or file, in the order of their names.

    ``classes`` are the names of the classes, or of the labels without the background, where the data say them;
    ``problems`` what stands in the way of a case before anything is read.
    """

    path: Path
    layout: str
    cases: tuple[Case, ...]
    classes: Mapping[int, str] = field(default_factory=dict)
    problems: tuple[Finding, ...] = ()

    @property
    def label_names(self) -> Mapping[int, str]:
        """The names of what label images hold; empty where the data do not say them."""
        return {} if any(case.target is not None for case in self.cases) else self.classes


def _labels(voxels: LabelArray) -> dict[int, Label]:
    values = [value for value in present(voxels) if value]
    return {value: Label(name=f"label {value}", colour=palette_colour(value)) for value in values}
