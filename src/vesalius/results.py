"""What an analysis yields. Every result is on the geometry of the scan it came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from vesalius.errors import GeometryError, InputError
from vesalius.volume import FloatArray, Geometry, Volume, sample

REPORT_VERSION = "1.0"
Order = Literal[0, 1]

# Kelly's "colours of maximum contrast" (Color Engineering 3(6), 1965), black and white left out.
_PALETTE = (
    "#f3c300", "#875692", "#f38400", "#a1caf1", "#be0032", "#c2b280", "#848482", "#008856", "#e68fac", "#0067a5",
    "#f99379", "#604e97", "#f6a600", "#b3446c", "#dcd300", "#882d17", "#8db600", "#654522", "#e25822", "#2b3d26",
)  # fmt: skip


def palette_colour(value: int) -> str:
    """A colour ("#rrggbb") for label ``value`` that its neighbours in value do not have."""
    return _PALETTE[(value - 1) % len(_PALETTE)]


class Code(BaseModel):
    """A coded concept, as DICOM writes it: scheme designator (SCT is SNOMED CT), code value and meaning."""

    model_config = ConfigDict(frozen=True)

    scheme: str = "SCT"
    value: str
    meaning: str


class Label(BaseModel):
    """One class of a labelmap: its name, its colour ("#rrggbb") and, where known, its code."""

    model_config = ConfigDict(frozen=True)

    name: str
    colour: str = Field(pattern="^#[0-9a-fA-F]{6}$")
    code: Code | None = None

    @property
    def rgb(self) -> tuple[int, int, int]:
        """The colour as 0 to 255."""
        red, green, blue = bytes.fromhex(self.colour[1:])
        return red, green, blue


@dataclass(frozen=True, eq=False)
class Labelmap:
    """Integer voxels (I, J, K) on a geometry; 0 is background, every other value is named in ``labels``."""

    voxels: NDArray[np.integer[Any]]
    geometry: Geometry
    labels: Mapping[int, Label]

    def __post_init__(self) -> None:
        if self.voxels.shape != self.geometry.shape:
            raise GeometryError(f"a labelmap must be (I, J, K) = {self.geometry.shape}, got {self.voxels.shape}")
        if self.voxels.dtype.kind not in "ui":
            raise GeometryError(f"a labelmap holds integers, got {self.voxels.dtype}")
        names = [label.name for label in self.labels.values()]
        if len(set(names)) < len(names):
            raise InputError(f"two labels of a labelmap have the same name: {', '.join(sorted(names))}")
        object.__setattr__(self, "labels", MappingProxyType(dict(self.labels)))

    @cached_property
    def counts(self) -> Mapping[int, int]:
        """Value → number of voxels, of the named values that occur; counted plane by plane, without a sort."""
        total = np.zeros(max(self.labels, default=0) + 1, np.int64)
        slowest = int(np.argmax(self.voxels.strides))
        for plane in np.moveaxis(self.voxels, slowest, 0):
            values = plane.ravel(order="K")
            known = values if values.max(initial=0) < len(total) else values[values < len(total)]
            total += np.bincount(known[known >= 0] if known.dtype.kind == "i" else known, minlength=len(total))
        return MappingProxyType({value: int(total[value]) for value in sorted(self.labels) if total[value]})

    def mask(self, name: str) -> NDArray[np.bool_]:
        """(I, J, K) bool: where the label of that name is."""
        for value, label in self.labels.items():
            if label.name == name:
                mask: NDArray[np.bool_] = self.voxels == value
                return mask
        raise InputError(f"no label {name!r}; there are {', '.join(label.name for label in self.labels.values())}")


@dataclass(frozen=True)
class Box:
    """A detected object: ``low`` and ``high`` corners (3) in mm WORLD along the axes of the scan's grid."""

    label: str
    score: float
    low: tuple[float, float, float]
    high: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Boxes:
    """Detected objects of one scan. Corners are opposite voxel edges, mapped to WORLD through ``geometry``."""

    items: tuple[Box, ...]
    geometry: Geometry

    def __iter__(self) -> Iterator[Box]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def to_pixels(self) -> list[tuple[str, float, float, float, float, float]]:
        """(label, score, x0, y0, x1, y1) of each box in a picture: x along I, y along J, in pixels from the corner."""
        rows = []
        for box in self.items:
            corners = self.geometry.to_index([box.low, box.high]) + 0.5
            (x0, y0), (x1, y1) = corners.min(axis=0)[:2], corners.max(axis=0)[:2]
            rows.append((box.label, box.score, float(x0), float(y0), float(x1), float(y1)))
        return rows


@dataclass(frozen=True)
class Scores(Mapping[str, float]):
    """Label → calibrated probability, of the whole scan."""

    probabilities: Mapping[str, float]

    def __getitem__(self, label: str) -> float:
        return self.probabilities[label]

    def __iter__(self) -> Iterator[str]:
        return iter(self.probabilities)

    def __len__(self) -> int:
        return len(self.probabilities)


@dataclass(frozen=True, eq=False)
class Deformation:
    """A warp: at each voxel of ``geometry``, in the fixed space, the ``displacement`` (3, I, J, K) to the moving one.

    It is in mm WORLD: the point x of the fixed scan corresponds to x + displacement(x) in the moving scan. Outside
    the grid it is zero.
    """

    displacement: FloatArray
    geometry: Geometry

    def __post_init__(self) -> None:
        if self.displacement.shape != (3, *self.geometry.shape):
            raise GeometryError(
                f"a displacement must be (3, I, J, K) = {(3, *self.geometry.shape)}, got {self.displacement.shape}"
            )

    def map_points(self, world: FloatArray) -> FloatArray:
        """Fixed points (..., 3) → moving points (..., 3), mm."""
        index = self.geometry.to_index(world)
        moved: FloatArray = world + np.stack([sample(axis, index, order=1) for axis in self.displacement], axis=-1)
        return moved

    @overload
    def apply(self, moving: Volume, like: Volume | Labelmap | Geometry | None = None, order: Order = 1) -> Volume: ...
    @overload
    def apply(
        self, moving: Labelmap, like: Volume | Labelmap | Geometry | None = None, order: Literal[0] = 0
    ) -> Labelmap: ...

    def apply(
        self,
        moving: Volume | Labelmap,
        like: Volume | Labelmap | Geometry | None = None,
        order: Order | None = None,
    ) -> Volume | Labelmap:
        """``moving`` seen on the fixed grid ``like`` (this field's own by default).

        A volume is interpolated linearly (``order`` 1) unless 0 asks for the nearest voxel; labels are always nearest.
        """
        grid = self.geometry if like is None else like if isinstance(like, Geometry) else like.geometry
        index = moving.geometry.to_index(self.map_points(_centres(grid)))
        if isinstance(moving, Labelmap):
            return Labelmap(sample(moving.voxels, index, order=0), grid, moving.labels)
        voxels = np.stack([sample(channel, index, 1 if order is None else order) for channel in moving.voxels])
        return Volume(voxels, grid, moving.modality, moving.channels, moving.source)

    def composed(self, then: Deformation) -> Deformation:
        """First this warp, then ``then``: x → then(self(x)), on this warp's grid."""
        centres = _centres(self.geometry)
        moved = then.map_points(self.map_points(centres))
        return Deformation(np.moveaxis(moved - centres, -1, 0), self.geometry)

    def inverted(self, iterations: int = 50, tolerance_mm: float = 1e-3) -> Deformation:
        """The warp back, by fixed-point iteration v(y) = -u(y + v(y)) (Chen et al., Medical Physics 35(1), 2008).

        Raises:
            GeometryError: it does not converge, as where the warp folds.
        """
        centres = _centres(self.geometry)
        back = np.zeros_like(centres)
        for _ in range(iterations):
            start = centres + back
            step = start - self.map_points(start) - back
            back = back + step
            if np.abs(step).max() < tolerance_mm:
                return Deformation(np.moveaxis(back, -1, 0), self.geometry)
        raise GeometryError(f"the deformation could not be inverted in {iterations} iterations; it may fold")


@dataclass(frozen=True, eq=False)
class Attribution:
    """How much each voxel counted for ``target``: a one-channel volume of relevance and the method that gave it."""

    relevance: Volume
    target: str
    method: str


class Record(BaseModel):
    """A part of the report: immutable, and closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Measurement(Record):
    """The size and brightness of one label; in a picture, whose pixels have no known size, no length is given."""

    voxel_count: int
    share: float | None = Field(default=None, description="in a picture: of all its pixels, 0 to 1")
    volume_ml: float | None
    surface_mm2: float | None = Field(description="area of the label's boundary, mm²")
    bounding_box_mm: tuple[tuple[float, float, float], tuple[float, float, float]] | None = Field(
        description="low and high corner of the smallest box in patient axes (RAS+, mm) that holds the label's voxels"
    )
    diameters_mm: tuple[float, ...] = Field(
        description="largest extent of the label, then the largest extents perpendicular to it, mm"
    )
    centre_mm: tuple[float, float, float] | None = Field(description="centre of mass, patient axes RAS+, mm")
    components: int = Field(description="number of separate parts, 26-connected")
    intensity: dict[str, IntensityStatistics] = Field(default_factory=dict, description="per channel")


class IntensityStatistics(Record):
    """The distribution of a channel's values inside a label."""

    mean: float
    standard_deviation: float
    minimum: float
    percentile_5: float
    median: float
    percentile_95: float
    maximum: float


class Warning(Record):
    """Something the reader must know before trusting the result."""

    code: str
    message: str

    def __str__(self) -> str:
        return self.message


class InputRecord(Record):
    """The scan that was analysed. It names no patient."""

    paths: tuple[str, ...]
    format: str
    modality: str
    channels: tuple[str, ...]
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    orientation: str
    oblique: bool
    is_picture: bool = Field(
        default=False, description="a flat picture that says nothing of the patient: its spacing and place are made up"
    )
    affine: tuple[tuple[float, float, float, float], ...]
    series_uid: str | None = None
    frame_of_reference_uid: str | None = None


class ModelRecord(Record):
    """The model that was run: enough to find the very same one again."""

    name: str
    version: str
    task: str
    licence: str
    sha256: str = Field(
        description="of the network's weights file; of several, over their sha256 in hexadecimal, main network first"
    )


class EngineRecord(Record):
    """How the model was run."""

    engine: str
    precision: str
    device: str
    tiles: int
    tiles_skipped: int = 0
    memory_estimate_bytes: int
    memory_peak_bytes: int = Field(description="largest resident memory of the process up to the end of the analysis")


class Stage(Record):
    """A step of the work and how long it took."""

    name: str
    seconds: float


class Report(BaseModel):
    """The answer about one scan. The fields are report.json; the results themselves hang on it as attributes."""

    model_config = ConfigDict(extra="forbid")

    report_version: str = REPORT_VERSION
    created: str = Field(description="date and time, ISO 8601, UTC")
    vesalius_version: str
    input: InputRecord
    model: ModelRecord
    engine: EngineRecord
    labels: dict[int, Label] = Field(default_factory=dict)
    measurements: dict[str, Measurement] = Field(default_factory=dict, description="by the label's name")
    scores: dict[str, float] | None = Field(default=None, description="of a classification: label → probability")
    thresholds: dict[str, float] = Field(
        default_factory=dict, description="the probability from which on a label is the answer, if the model has one"
    )
    answer: str | None = Field(default=None, description="the label that a classification settles on")
    warnings: list[Warning] = Field(default_factory=list)
    stages: list[Stage] = Field(default_factory=list, description="some run beside each other")
    seconds: float = Field(0.0, description="wall-clock time from the start until all but the report was written")
    files: dict[str, str] = Field(default_factory=dict, description="what was written beside this file, by kind")

    _results: Results = PrivateAttr(default_factory=lambda: Results())

    @property
    def volume(self) -> Volume | None:
        """The scan itself, where the report was made in this process."""
        return self._results.volume

    @property
    def labelmap(self) -> Labelmap | None:
        """The segmentation, on the scan's own grid."""
        return self._results.labelmap

    @property
    def boxes(self) -> Boxes | None:
        """The detected objects."""
        return self._results.boxes

    @property
    def attribution(self) -> Attribution | None:
        """The explanation, where one was asked for."""
        return self._results.attribution

    def attach(self, results: Results) -> None:
        """Hang the voxels, boxes and explanation on the report."""
        self._results = results


@dataclass(frozen=True, eq=False)
class Results:
    """What is too large for report.json."""

    volume: Volume | None = None
    labelmap: Labelmap | None = None
    boxes: Boxes | None = None
    attribution: Attribution | None = None


def _centres(geometry: Geometry) -> FloatArray:
    """(I, J, K, 3): the voxel centres in WORLD, mm."""
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in geometry.shape), indexing="ij"), axis=-1)
    return geometry.to_world(grid)


Measurement.model_rebuild()
