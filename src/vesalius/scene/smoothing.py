"""Smoothing of surface nets; all points are in INDEX, so that it is the same whatever the spacing."""

from __future__ import annotations

from typing import Any

import numpy as np

from vesalius.extras import require
from vesalius.scene.net import IntArray, direction, places
from vesalius.volume import FloatArray

_LARGEST_MOVE = 1.0  # voxels, along each axis
_RELAXATION = 0.8
_ROUNDS = 3


def smoothed(lattice: FloatArray, quads: IntArray, iterations: int) -> FloatArray:
    """Where the vertices of a net, at ``lattice`` (V, 3), come to lie: near the voxels' faces, without their steps.

    The filter S moves each vertex ``iterations`` times by 0.8 of the way to the mean of its neighbours; the whole way
    would let a net, where every circuit is even, swing for ever. S alone shrinks what is round. What it takes away is
    smoothed and given back, twice: 1 - (1 - S)³ (Tukey's "twicing", 1977, once more) removes the steps and keeps the
    volume. No vertex moves more than a voxel.
    """
    stencils = _stencils(_neighbours(lattice, quads))
    points = np.zeros_like(lattice)
    for _ in range(_ROUNDS):
        points += _relaxed(lattice - points, stencils, iterations)
    return lattice + np.clip(points - lattice, -_LARGEST_MOVE, _LARGEST_MOVE)


def _neighbours(lattice: FloatArray, quads: IntArray) -> IntArray:
    """(V, 6): the vertex next to each along -x, -y, -z, x, y, z where a quad's edge joins them, else -1."""
    table = np.full((len(lattice), 6), -1, dtype=np.int64)
    place = places(lattice)
    for corner in range(4):
        start, stop = quads[:, corner], quads[:, (corner + 1) % 4]
        axis, forward = direction(place, start, stop)
        table[start, axis + 3 * forward] = stop
        table[stop, axis + 3 * ~forward] = start
    return table


def _stencils(neighbours: IntArray) -> Any:
    """The table as a vtkCellArray, a cell a vertex."""
    data = require("vtkmodules.vtkCommonDataModel", "view")
    support = require("vtkmodules.util.numpy_support", "view")
    joined = neighbours >= 0
    offsets = np.concatenate([[0], np.cumsum(np.einsum("vn->v", joined, dtype=np.int64))])
    stencils = data.vtkCellArray()
    stencils.SetData(
        support.numpy_to_vtkIdTypeArray(offsets, deep=True),
        support.numpy_to_vtkIdTypeArray(neighbours[joined], deep=True),
    )
    return stencils


def _relaxed(points: FloatArray, stencils: Any, iterations: int) -> FloatArray:
    """S applied to ``points`` (V, 3), without limits."""
    filters = require("vtkmodules.vtkFiltersCore", "view")
    core = require("vtkmodules.vtkCommonCore", "view")
    data = require("vtkmodules.vtkCommonDataModel", "view")
    support = require("vtkmodules.util.numpy_support", "view")
    polydata = data.vtkPolyData()
    vertices = core.vtkPoints()
    vertices.SetData(support.numpy_to_vtk(points))
    polydata.SetPoints(vertices)
    relax = filters.vtkConstrainedSmoothingFilter()
    relax.SetInputData(polydata)
    relax.SetSmoothingStencils(stencils)
    relax.SetNumberOfIterations(iterations)
    relax.SetRelaxationFactor(_RELAXATION)
    relax.SetConvergence(0)
    relax.SetConstraintStrategyToConstraintDistance()
    relax.SetConstraintDistance(2 * float(np.abs(points).max()) * 3**0.5)
    relax.Update()
    moved: FloatArray = support.vtk_to_numpy(relax.GetOutput().GetPoints().GetData())
    return moved
