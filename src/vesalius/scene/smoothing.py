"""Smoothing of surface nets; all points are in INDEX, so that it is the same whatever the spacing."""

from __future__ import annotations

import numpy as np

from vesalius.extras import require
from vesalius.scene.net import IntArray, direction, places
from vesalius.volume import FloatArray

_LARGEST_MOVE = 1.0  # voxels, along each axis


def smoothed(lattice: FloatArray, quads: IntArray, iterations: int) -> FloatArray:
    """Where the vertices of a net, at ``lattice`` (V, 3), come to lie: near the voxels' faces, without their steps.

    The filter S moves each vertex ``iterations`` times half-way to the mean of its neighbours. It is applied as
    2S - S² ("twicing", Tukey 1977): S alone shrinks what is round, this does not. No vertex moves more than a voxel.
    """
    neighbours = _neighbours(lattice, quads)
    once = _relaxed(lattice, neighbours, iterations)
    twice = _relaxed(once, neighbours, iterations)
    return lattice + np.clip(2 * once - twice - lattice, -_LARGEST_MOVE, _LARGEST_MOVE)


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
