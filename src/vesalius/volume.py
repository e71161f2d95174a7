"""Voxels and where they are in the patient.

Two named spaces: INDEX, the (i, j, k) of a voxel's centre, and WORLD, millimetres in the patient, always **RAS+**
(x to the patient's right, y to the front, z to the head). DICOM and ITK count in LPS; that exists only at their border.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vesalius.errors import GeometryError

Array = NDArray[Any]
FloatArray = NDArray[np.float64]
Shape = tuple[int, int, int]

_AXIS_CODES = (("L", "R"), ("P", "A"), ("I", "S"))
_OBLIQUE_TOLERANCE = 1e-4


@dataclass(frozen=True)
class IndexBox:
    """A box of whole voxels: ``start`` (3 ints) is inside, ``stop`` (3 ints) is the first voxel outside."""

    start: Shape
    stop: Shape

    @property
    def shape(self) -> Shape:
        """Number of voxels along each axis."""
        i, j, k = (b - a for a, b in zip(self.start, self.stop, strict=True))
        return i, j, k

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """The box as slices of an (I, J, K) array."""
        i, j, k = (slice(a, b) for a, b in zip(self.start, self.stop, strict=True))
        return i, j, k


@dataclass(frozen=True, eq=False)
class Geometry:
    """A grid of voxels in the patient: ``shape`` (I, J, K) and ``affine`` (4, 4), from INDEX to WORLD in mm RAS+.

    Every method returns a new Geometry and touches no voxels, so that a grid can be planned before anything is read.

    Raises:
        GeometryError: the affine is not 4×4, not finite or singular, or the shape is not three positive integers.
    """

    shape: Shape
    affine: FloatArray

    def __post_init__(self) -> None:
        shape = tuple(int(n) for n in self.shape)
        affine = np.array(self.affine, dtype=np.float64)
        if len(shape) != 3 or min(shape) < 1:
            raise GeometryError(f"a grid needs a shape of three positive integers (I, J, K), got {shape}")
        if affine.shape != (4, 4):
            raise GeometryError(f"an affine must be 4×4, got {affine.shape}")
        if not np.isfinite(affine).all() or not np.allclose(affine[3], (0, 0, 0, 1)):
            raise GeometryError(f"an affine must be finite with a last row of 0 0 0 1, got {affine.tolist()}")
        lengths = np.linalg.norm(affine[:3, :3], axis=0)
        if lengths.min() == 0 or abs(np.linalg.det(affine[:3, :3] / lengths)) < 1e-6:
            raise GeometryError(f"the affine is singular, its axes do not span space: {affine.tolist()}")
        affine.setflags(write=False)
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "affine", affine)

    @classmethod
    def from_spacing(cls, shape: Shape, spacing: ArrayLike, origin: ArrayLike = (0, 0, 0)) -> Self:
        """An axis-aligned RAS grid with ``spacing`` (3) in mm whose first voxel's centre is at ``origin`` (3) in mm."""
        affine = np.diag([*np.asarray(spacing, dtype=float), 1.0])
        affine[:3, 3] = origin
        return cls(shape, affine)

    def __eq__(self, other: object) -> bool:
        """Same shape and the same affine to the last bit; see `is_close` for a tolerance."""
        if not isinstance(other, Geometry):
            return NotImplemented
        return self.shape == other.shape and np.array_equal(self.affine, other.affine)

    def __hash__(self) -> int:
        return hash((self.shape, self.affine.tobytes()))

    def is_close(self, other: Geometry, tolerance_mm: float = 1e-3) -> bool:
        """Whether both have the same shape and no voxel's centre differs by more than ``tolerance_mm``."""
        if self.shape != other.shape:
            return False
        corners = self._corners_index()
        return bool(np.abs(self.to_world(corners) - other.to_world(corners)).max() <= tolerance_mm)

    @cached_property
    def spacing(self) -> tuple[float, float, float]:
        """Distance between neighbouring voxel centres along each axis, mm."""
        i, j, k = (float(n) for n in np.linalg.norm(self.affine[:3, :3], axis=0))
        return i, j, k

    @cached_property
    def directions(self) -> FloatArray:
        """(3, 3): column n is the unit vector, in WORLD, along which index axis n grows."""
        directions: FloatArray = self.affine[:3, :3] / np.asarray(self.spacing)
        return directions

    @cached_property
    def orientation(self) -> str:
        """Three letters: towards which side of the patient each index axis grows most, as in "RAS"."""
        codes = [""] * 3
        for axis, world in enumerate(self._world_axes()):
            codes[axis] = _AXIS_CODES[world][int(self.directions[world, axis] > 0)]
        return "".join(codes)

    @property
    def is_oblique(self) -> bool:
        """Whether any axis deviates from the patient's axes."""
        closest = np.zeros((3, 3))
        for axis, world in enumerate(self._world_axes()):
            closest[world, axis] = np.sign(self.directions[world, axis])
        return bool(np.abs(self.directions - closest).max() > _OBLIQUE_TOLERANCE)

    @property
    def voxel_volume(self) -> float:
        """Volume of one voxel, mm³."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    @property
    def extent(self) -> tuple[float, float, float]:
        """Length of the grid along each index axis, from voxel edge to voxel edge, mm."""
        i, j, k = (n * s for n, s in zip(self.shape, self.spacing, strict=True))
        return i, j, k

    @cached_property
    def inverse(self) -> FloatArray:
        """(4, 4), from WORLD to INDEX."""
        return np.asarray(np.linalg.inv(self.affine), dtype=np.float64)

    def to_world(self, index: ArrayLike) -> FloatArray:
        """Points (..., 3) from INDEX to WORLD (mm)."""
        return _apply(self.affine, index)

    def to_index(self, world: ArrayLike) -> FloatArray:
        """Points (..., 3) from WORLD (mm) to INDEX, fractional."""
        return _apply(self.inverse, world)

    def index_map(self, other: Geometry) -> FloatArray:
        """(4, 4): composes ``self``'s INDEX → WORLD → ``other``'s INDEX."""
        return other.inverse @ self.affine

    def contains(self, world: ArrayLike) -> NDArray[np.bool_]:
        """Which of the points (..., 3), in mm, lie inside the grid, voxel edges included."""
        index = self.to_index(world)
        inside: NDArray[np.bool_] = np.all((index >= -0.5) & (index <= np.asarray(self.shape) - 0.5), axis=-1)
        return inside

    def cropped(self, box: IndexBox) -> Geometry:
        """The grid of the voxels in ``box``, which must lie inside this one."""
        if any(a < 0 or b > n or a >= b for a, b, n in zip(box.start, box.stop, self.shape, strict=True)):
            raise GeometryError(f"the box {box.start} to {box.stop} is empty or leaves the grid of {self.shape}")
        return self._shifted(box.shape, box.start)

    def padded(self, before: Shape, after: Shape) -> Geometry:
        """The grid with that many voxels more before the first and after the last voxel of each axis."""
        if min(*before, *after) < 0:
            raise GeometryError(f"padding must not be negative, got {before} and {after}; crop instead")
        i, j, k = (n + a + b for n, a, b in zip(self.shape, before, after, strict=True))
        return self._shifted((i, j, k), (-before[0], -before[1], -before[2]))

    def axis_map_to(self, orientation: str) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
        """How to reorder this grid's axes to ``orientation``: source axis of each new axis, and whether it is reversed.

        Raises:
            GeometryError: ``orientation`` does not name each of L/R, P/A and I/S once.
        """
        wanted = [_world_axis(code, orientation) for code in orientation]
        if sorted(wanted) != [0, 1, 2]:
            raise GeometryError(
                f"an orientation names each of L/R, P/A and I/S once, as 'RAS' does, not {orientation!r}"
            )
        own = self._world_axes()
        i, j, k = (own.index(world) for world in wanted)
        source = (i, j, k)
        a, b, c = (self.orientation[s] != code for s, code in zip(source, orientation, strict=True))
        return source, (a, b, c)

    def reoriented(self, orientation: str = "RAS") -> Geometry:
        """The same voxels with axes permuted and reversed so that they grow towards ``orientation``."""
        source, reverse = self.axis_map_to(orientation)
        matrix = np.zeros((4, 4))
        matrix[3, 3] = 1
        for new, (old, flip) in enumerate(zip(source, reverse, strict=True)):
            matrix[old, new] = -1 if flip else 1
            matrix[old, 3] = self.shape[old] - 1 if flip else 0
        i, j, k = (self.shape[s] for s in source)
        return Geometry((i, j, k), self.affine @ matrix)

    def resized(self, shape: Shape) -> Geometry:
        """A grid of ``shape`` that covers exactly the same space, voxel edge to voxel edge."""
        scale = np.asarray(self.shape) / np.asarray(shape)
        return Geometry(shape, self.affine @ _scale_about_edge(scale))

    def resampled_to(self, spacing: float | tuple[float, float, float]) -> Geometry:
        """A grid with ``spacing`` (mm) and the same centre and axes, its shape rounded to whole voxels."""
        target = np.broadcast_to(np.asarray(spacing, dtype=float), (3,))
        if not (np.isfinite(target).all() and target.min() > 0):
            raise GeometryError(f"spacing must be positive millimetres, got {spacing}")
        i, j, k = (max(1, round(e / s)) for e, s in zip(self.extent, target, strict=True))
        affine = self.affine.copy()
        affine[:3, :3] = self.directions * target
        centre = self.to_world((np.asarray(self.shape) - 1) / 2)
        affine[:3, 3] = centre - affine[:3, :3] @ ((np.array([i, j, k]) - 1) / 2)
        return Geometry((i, j, k), affine)

    def box_around(self, world: ArrayLike) -> IndexBox:
        """The smallest box of whole voxels of this grid that holds the points (N, 3) in mm, clipped to the grid.

        Raises:
            GeometryError: all points lie outside the grid.
        """
        index = self.to_index(np.atleast_2d(np.asarray(world, dtype=float)))
        low = np.floor(index.min(axis=0) + 0.5).clip(0).astype(int)
        high = np.minimum(np.ceil(index.max(axis=0) - 0.5).astype(int) + 1, self.shape)
        high = np.maximum(high, low + 1)
        if (low >= self.shape).any() or (index.max(axis=0) < -0.5).any():
            raise GeometryError("the points lie outside the grid")
        i0, j0, k0 = (int(n) for n in low)
        i1, j1, k1 = (int(n) for n in high)
        return IndexBox((i0, j0, k0), (i1, j1, k1))

    def _shifted(self, shape: Shape, start: Shape) -> Geometry:
        affine = self.affine.copy()
        affine[:3, 3] = self.to_world(start)
        return Geometry(shape, affine)

    def _corners_index(self) -> FloatArray:
        ends = [(0, n - 1) for n in self.shape]
        return np.array(np.meshgrid(*ends), dtype=float).reshape(3, -1).T

    def _world_axes(self) -> list[int]:
        """For each index axis the world axis it follows most closely, each world axis once (nibabel's greedy rule)."""
        remaining = np.abs(self.directions)
        axes = [0, 0, 0]
        for _ in range(3):
            world, axis = np.unravel_index(int(np.argmax(remaining)), (3, 3))
            axes[int(axis)] = int(world)
            remaining[world, :] = -1
            remaining[:, axis] = -1
        return axes


@dataclass(frozen=True)
class Source:
    """Where a volume came from. It names files and DICOM UIDs, never the patient."""

    paths: tuple[str, ...] = ()
    format: str = ""
    series_uid: str | None = None
    study_uid: str | None = None
    frame_of_reference_uid: str | None = None
    description: str = ""
    orientation_known: bool = True


@dataclass(frozen=True, eq=False)
class Volume:
    """A scan: ``voxels`` (C, I, J, K) on a `Geometry`. A two-dimensional picture has K = 1.

    ``data`` is the array, or a function that reads it: then nothing is read before ``voxels`` is first asked for, and
    the array is kept from then on. ``notes`` are sentences for the reader: what the scan's own file left open.

    Raises:
        GeometryError: the array is not 4D or does not fit the geometry.
    """

    data: Array | Callable[[], Array]
    geometry: Geometry
    modality: str = ""
    channels: tuple[str, ...] = ("image",)
    source: Source = field(default_factory=Source)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not callable(self.data):
            self._check(self.data)

    @cached_property
    def voxels(self) -> Array:
        """(C, I, J, K), read at first use."""
        array = self.data() if callable(self.data) else self.data
        self._check(array)
        return array

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(C, I, J, K), without reading the voxels."""
        return (len(self.channels), *self.geometry.shape)

    @property
    def is_picture(self) -> bool:
        """Whether it is a flat picture that says nothing of the patient, so that its millimetres are made up."""
        return self.geometry.shape[2] == 1 and not self.source.orientation_known

    def cropped(self, box: IndexBox) -> Volume:
        """The part of the scan in ``box``."""
        geometry = self.geometry.cropped(box)
        return replace(self, data=lambda: self.voxels[(slice(None), *box.slices)], geometry=geometry)

    def reoriented(self, orientation: str = "RAS") -> Volume:
        """The same scan with its axes in ``orientation``; no voxel's value or place in the patient changes."""
        geometry = self.geometry.reoriented(orientation)
        return replace(self, data=lambda: reorder(self.voxels, self.geometry, orientation), geometry=geometry)

    def channel(self, name: str) -> Volume:
        """The one channel of that name."""
        if name not in self.channels:
            raise GeometryError(f"the scan has no channel {name!r}; it has {', '.join(self.channels)}")
        index = self.channels.index(name)
        return replace(self, data=lambda: self.voxels[index : index + 1], channels=(name,))

    def _check(self, array: Array) -> None:
        if array.ndim != 4 or array.shape != self.shape:
            raise GeometryError(f"voxels must be 4D (C, I, J, K) = {self.shape}, got {array.shape}")


def mask_box(mask: NDArray[np.bool_]) -> IndexBox | None:
    """The smallest box that holds all of ``mask`` (I, J, K); None where it is empty."""
    ends = []
    for axis in range(3):
        marked = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        if marked.size == 0:
            return None
        ends.append((int(marked[0]), int(marked[-1]) + 1))
    (i0, i1), (j0, j1), (k0, k1) = ends
    return IndexBox((i0, j0, k0), (i1, j1, k1))


def reorder(voxels: Array, geometry: Geometry, orientation: str) -> Array:
    """A view of ``voxels`` (..., I, J, K) with the last three axes reordered from ``geometry`` to ``orientation``."""
    source, reverse = geometry.axis_map_to(orientation)
    lead = voxels.ndim - 3
    moved = voxels.transpose(*range(lead), *(lead + s for s in source))
    i, j, k = (slice(None, None, -1 if flip else 1) for flip in reverse)
    return moved[..., i, j, k]


def sample(voxels: Array, index: FloatArray, order: Literal[0, 1], outside: float = 0.0) -> Array:
    """Values of ``voxels`` (I, J, K) at fractional INDEX points (..., 3); nearest (order 0) or trilinear (order 1).

    Points outside the grid, voxel edges included, get ``outside``; between the last centre and the edge the last
    voxel's value holds.
    """
    limit = np.asarray(voxels.shape) - 1
    inside = np.all((index >= -0.5) & (index <= limit + 0.5), axis=-1)
    if order == 0:
        i, j, k = np.moveaxis(np.clip(np.floor(index + 0.5), 0, limit).astype(np.intp), -1, 0)
        return np.where(inside, voxels[i, j, k], np.asarray(outside, dtype=voxels.dtype))
    clipped = np.clip(index, 0, limit)
    base = np.minimum(np.floor(clipped), np.maximum(limit - 1, 0)).astype(np.intp)
    weight = clipped - base
    values = np.zeros(index.shape[:-1])
    for corner in np.ndindex(2, 2, 2):
        at = np.minimum(base + corner, limit)
        share = np.prod(np.where(corner, weight, 1 - weight), axis=-1)
        values += share * voxels[at[..., 0], at[..., 1], at[..., 2]]
    return np.where(inside, values, outside)


def _apply(matrix: FloatArray, points: ArrayLike) -> FloatArray:
    return np.asarray(points, dtype=np.float64) @ matrix[:3, :3].T + matrix[:3, 3]


def _scale_about_edge(scale: FloatArray) -> FloatArray:
    """INDEX of a rescaled grid → INDEX of the first: the outer edge at -0.5 stays where it is."""
    matrix = np.diag([*scale, 1.0])
    matrix[:3, 3] = scale / 2 - 0.5
    return matrix


def _world_axis(code: str, orientation: str) -> int:
    for world, pair in enumerate(_AXIS_CODES):
        if code in pair:
            return world
    raise GeometryError(f"{code!r} in orientation {orientation!r} is none of the letters L R P A I S")
