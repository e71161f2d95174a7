"""Closed triangle surfaces of labels, in the patient's millimetres."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.errors import GeometryError
from vesalius.results import Labelmap
from vesalius.scene.interslice import interpolate_slices, needs_interpolation
from vesalius.scene.simplify import simplify
from vesalius.scene.surfacenets import surface_nets
from vesalius.scene.topology import is_closed
from vesalius.volume import Array, FloatArray, mask_box

SMOOTHING_ITERATIONS = 12


@dataclass(frozen=True, eq=False)
class Mesh:
    """A triangle surface: ``vertices`` (V, 3) in WORLD mm RAS+, ``triangles`` (T, 3) int32, wound to face outwards.

    Raises:
        GeometryError: the arrays are not (V, 3) and (T, 3), or a triangle names a vertex that is not there.
    """

    vertices: NDArray[np.floating[Any]]
    triangles: NDArray[np.int32]

    def __post_init__(self) -> None:
        for name, array in (("vertices", self.vertices), ("triangles", self.triangles)):
            if array.ndim != 2 or array.shape[1] != 3:
                raise GeometryError(f"the {name} of a mesh must be (N, 3), got {array.shape}")
        if self.triangles.size and not 0 <= self.triangles.min() <= self.triangles.max() < len(self.vertices):
            raise GeometryError(f"a triangle names a vertex beyond the {len(self.vertices)} that the mesh has")

    @cached_property
    def area(self) -> float:
        """Area of the surface, mm²."""
        return float(np.linalg.norm(self._cross, axis=1).sum() / 2)

    @cached_property
    def volume(self) -> float:
        """Enclosed volume, mm³, by the divergence theorem; negative if the mesh were inside out."""
        if not len(self.triangles):
            return 0.0
        corners = self._corners
        return float(np.sum((corners[:, 0] - corners[0, 0]) * self._cross) / 6)

    @cached_property
    def centroid(self) -> FloatArray:
        """Centre of mass (3) of the enclosed volume, mm; of the vertices where nothing is enclosed."""
        if self.volume == 0:
            middle: FloatArray = self.vertices.mean(axis=0, dtype=np.float64)
            return middle
        corners = self._corners - self._corners[0, 0]
        sixfold = np.sum(corners[:, 0] * self._cross, axis=1)
        offset: FloatArray = sixfold @ corners.sum(axis=1) / (24 * self.volume)
        centre: FloatArray = offset + self._corners[0, 0]
        return centre

    @cached_property
    def is_watertight(self) -> bool:
        """Whether every edge has exactly two triangles, which run along it in opposite directions."""
        return is_closed(self.triangles)

    def normals(self) -> FloatArray:
        """(V, 3): unit outward normal of each vertex, the mean of its triangles' weighted by their area."""
        return self._normals

    @cached_property
    def _normals(self) -> FloatArray:
        total = np.zeros((len(self.vertices), 3))
        for axis in range(3):
            share = np.repeat(self._cross[:, axis], 3)
            total[:, axis] = np.bincount(self.triangles.ravel(), share, minlength=len(self.vertices))
        return _unit(total)

    def face_normals(self) -> FloatArray:
        """(T, 3): unit outward normal of each triangle; zero for one without area."""
        return _unit(self._cross)

    @property
    def _corners(self) -> FloatArray:
        return self.vertices.astype(np.float64, copy=False)[self.triangles]

    @cached_property
    def _cross(self) -> FloatArray:
        """(T, 3): outward normal of each triangle, as long as twice its area."""
        a, b, c = np.moveaxis(self._corners, 1, 0)
        return np.cross(b - a, c - a)


def extract_meshes(
    labelmap: Labelmap, smoothing_iterations: int = SMOOTHING_ITERATIONS, reduction: float = 0.0
) -> dict[int, Mesh]:
    """The surface of each label that has voxels, all labels in one pass (surface nets; Gibson 1998, Frisken 2022).

    Each mesh is watertight, also where the label touches the edge of the scan or itself along an edge of a voxel, and
    neighbouring labels share their interface. Smoothing keeps the volume (see `surface_nets`). Thick slices are
    interpolated first (see `interpolate_slices`).

    Args:
        labelmap: the labels; values without a name count as background.
        smoothing_iterations: more is smoother; 0 leaves the voxels' steps.
        reduction: share of the triangles to remove, 0 to below 1, label by label (see `simplify`).

    Raises:
        MissingExtraError: the extra "view" is not installed.
    """
    voxels, affine, values = _labelled_part(labelmap)
    if not values:
        return {}
    if needs_interpolation(labelmap.geometry):
        voxels, affine = interpolate_slices(voxels, affine, values)
    mirrored = np.linalg.det(affine[:3, :3]) < 0
    meshes = {}
    for value, (points, triangles) in surface_nets(voxels, values, smoothing_iterations).items():
        world, kept = simplify(points @ affine[:3, :3].T + affine[:3, 3], triangles, reduction)
        meshes[value] = Mesh(world, np.ascontiguousarray(kept[:, ::-1]) if mirrored else kept)
    return meshes


def _unit(vectors: FloatArray) -> FloatArray:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: FloatArray = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    return unit


def _labelled_part(labelmap: Labelmap) -> tuple[Array, FloatArray, list[int]]:
    """Voxels around all labels with an empty voxel on every side, their affine, and the named values present."""
    box = mask_box(labelmap.voxels != 0)
    if box is None:
        return labelmap.voxels, labelmap.geometry.affine, []
    part = labelmap.voxels[box.slices]
    counts = {value: count for value, count in labelmap.counts.items() if value != 0}
    values = list(counts)
    if sum(counts.values()) < np.count_nonzero(part):
        part = np.where(np.isin(part, values), part, 0)
    highest = max(values, default=0)
    dtype = np.uint8 if highest < 2**8 else np.uint16 if highest < 2**16 else np.int32
    voxels = np.zeros(tuple(n + 2 for n in box.shape), dtype, order="F")
    voxels[1:-1, 1:-1, 1:-1] = part
    return voxels, labelmap.geometry.cropped(box).padded((1, 1, 1), (1, 1, 1)).affine, values
