"""Surfaces of all labels of a voxel grid at once: surface nets (Gibson 1998; many labels: Frisken 2022).

A net has one vertex in every cube of 2×2×2 voxel centres that holds more than one label, and one quad on every face
between two voxels of different labels. Smoothing moves the vertices. All points here are in INDEX.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.extras import require
from vesalius.volume import Array, FloatArray

IntArray = NDArray[np.integer[Any]]
Surface = tuple[FloatArray, NDArray[np.int32]]

_LARGEST_MOVE = 1.0  # voxels, along each axis
_INSET = 0.1  # of the way from an edge that a label touches itself along, to the voxel's centre


@dataclass(frozen=True, eq=False)
class _Net:
    """``lattice`` and ``points`` (V, 3): vertices before and after smoothing; ``quads`` (Q, 4); ``sides`` (Q, 2).

    Seen from the side of label ``sides[:, 1]``, a quad runs counter-clockwise.
    """

    lattice: FloatArray
    points: FloatArray
    quads: IntArray
    sides: IntArray


def surface_nets(voxels: Array, values: Sequence[int], iterations: int) -> dict[int, Surface]:
    """Closed surface of each label in ``values``: points (V, 3) in INDEX and outward triangles (T, 3).

    Where a label touches itself only along an edge between voxels, four of its quads meet in that edge; it is drawn
    apart there, so that every edge has two triangles.

    Args:
        voxels: (I, J, K) integers in Fortran order whose outermost layer is 0.
        values: the labels, all of them that occur.
        iterations: how often each vertex moves half-way to the mean of its neighbours. This filter S is applied as
            2S - S² ("twicing", Tukey 1977), which does not shrink what S alone would.

    Raises:
        MissingExtraError: the extra "view" is not installed.
    """
    lattice, quads, sides = _build(voxels, values)
    points = _smoothed(lattice, quads, iterations) if iterations else lattice
    return dict(_split(_Net(lattice, points, quads, sides), voxels))


def _build(voxels: Array, values: Sequence[int]) -> tuple[FloatArray, IntArray, IntArray]:
    filters = require("vtkmodules.vtkFiltersCore", "view")
    data = require("vtkmodules.vtkCommonDataModel", "view")
    support = require("vtkmodules.util.numpy_support", "view")
    scalars = support.numpy_to_vtk(voxels.ravel(order="F"))
    image = data.vtkImageData()
    image.SetDimensions(voxels.shape)
    image.GetPointData().SetScalars(scalars)
    nets = filters.vtkSurfaceNets3D()
    nets.SetInputData(image)
    for position, value in enumerate(values):
        nets.SetLabel(position, value)
    nets.SetOutputMeshTypeToQuads()
    nets.SmoothingOff()
    nets.Update()
    output = nets.GetOutput()
    lattice = support.vtk_to_numpy(output.GetPoints().GetData()).astype(np.float64)
    quads = support.vtk_to_numpy(output.GetPolys().GetConnectivityArray()).reshape(-1, 4).copy()
    sides = support.vtk_to_numpy(output.GetCellData().GetArray("BoundaryLabels")).copy()
    return lattice, quads, sides


def _smoothed(lattice: FloatArray, quads: IntArray, iterations: int) -> FloatArray:
    neighbours = _neighbours(lattice, quads)
    once = _relaxed(lattice, neighbours, iterations)
    twice = _relaxed(once, neighbours, iterations)
    return lattice + np.clip(2 * once - twice - lattice, -_LARGEST_MOVE, _LARGEST_MOVE)


def _neighbours(lattice: FloatArray, quads: IntArray) -> IntArray:
    """(V, 6): the vertex next to each along -x, -y, -z, x, y, z where a quad's edge joins them, else -1."""
    table = np.full((len(lattice), 6), -1, dtype=np.int64)
    for corner in range(4):
        start, stop = quads[:, corner], quads[:, (corner + 1) % 4]
        axis, forward = _direction(lattice, start, stop)
        table[start, axis + 3 * forward] = stop
        table[stop, axis + 3 * ~forward] = start
    return table


def _direction(lattice: FloatArray, start: IntArray, stop: IntArray) -> tuple[IntArray, NDArray[np.bool_]]:
    """The axis along which ``stop`` lies one voxel from ``start``, and whether towards larger indices."""
    step = (lattice[stop] - lattice[start]) @ (1.0, 2.0, 3.0)
    return np.abs(step).astype(np.int64) - 1, step > 0


def _relaxed(points: FloatArray, neighbours: IntArray, iterations: int) -> FloatArray:
    filters = require("vtkmodules.vtkFiltersCore", "view")
    core = require("vtkmodules.vtkCommonCore", "view")
    data = require("vtkmodules.vtkCommonDataModel", "view")
    support = require("vtkmodules.util.numpy_support", "view")
    joined = neighbours >= 0
    offsets = np.concatenate([[0], np.cumsum(joined.sum(axis=1))])
    stencils = data.vtkCellArray()
    stencils.SetData(
        support.numpy_to_vtkIdTypeArray(offsets, deep=True),
        support.numpy_to_vtkIdTypeArray(neighbours[joined], deep=True),
    )
    polydata = data.vtkPolyData()
    vertices = core.vtkPoints()
    vertices.SetData(support.numpy_to_vtk(points, deep=True))
    polydata.SetPoints(vertices)
    relax = filters.vtkConstrainedSmoothingFilter()
    relax.SetInputData(polydata)
    relax.SetSmoothingStencils(stencils)
    relax.SetNumberOfIterations(iterations)
    relax.SetRelaxationFactor(0.5)
    relax.SetConvergence(0)
    relax.SetConstraintStrategyToConstraintDistance()
    relax.SetConstraintDistance(np.linalg.norm(points.max(axis=0) - points.min(axis=0)))
    relax.Update()
    moved: FloatArray = support.vtk_to_numpy(relax.GetOutput().GetPoints().GetData()).astype(np.float64)
    return moved
