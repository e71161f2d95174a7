"""Surfaces of all labels of a voxel grid at once: surface nets (Gibson 1998; many labels: Frisken 2022).

A net has one vertex in every cube of 2×2×2 voxel centres that holds more than one label, and one quad on every face
between two voxels of different labels. Smoothing moves the vertices. All points here are in INDEX.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from vesalius.extras import require
from vesalius.scene.net import IntArray, Net
from vesalius.scene.pinches import unpinched
from vesalius.scene.smoothing import smoothed
from vesalius.volume import Array, FloatArray

Surface = tuple[FloatArray, NDArray[np.int32]]


def surface_nets(voxels: Array, values: Sequence[int], iterations: int) -> dict[int, Surface]:
    """Closed surface of each label in ``values``: points (V, 3) in INDEX and outward triangles (T, 3).

    Every edge of a label's surface has two triangles, also where the label touches itself (see `unpinched`).

    Args:
        voxels: (I, J, K) integers in Fortran order whose outermost layer is 0.
        values: the labels, all of them that occur.
        iterations: of smoothing, see `smoothed`.

    Raises:
        MissingExtraError: the extra "view" is not installed.
    """
    lattice, quads, sides = _build(voxels, values)
    points = smoothed(lattice, quads, iterations) if iterations else lattice
    return dict(_split(Net(lattice, points, quads, sides)))


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
    quads = support.vtk_to_numpy(output.GetPolys().GetConnectivityArray()).reshape(-1, 4)
    sides = support.vtk_to_numpy(output.GetCellData().GetArray("BoundaryLabels")).copy()
    return lattice, _one_vertex_a_cube(lattice, voxels.shape)[quads], sides


def _one_vertex_a_cube(lattice: FloatArray, shape: tuple[int, ...]) -> IntArray:
    """For each vertex the one that stands for all at its place: VTK doubles some, which would leave cracks."""
    cube = np.ravel_multi_index(tuple(lattice.astype(np.int64).T), shape)
    chosen = np.zeros(np.prod(shape), dtype=np.int64)
    chosen[cube] = np.arange(len(lattice))
    representative: IntArray = chosen[cube]
    return representative


def _split(net: Net) -> Iterator[tuple[int, Surface]]:
    """Each label's value, points and triangles, the faces between two labels given to both."""
    points, redrawn, apart, owner = unpinched(net)
    triangles, owners = [apart], [owner]
    for side, corners in enumerate(_triangulated(net)):
        keep = ~redrawn[:, side] & (net.sides[:, side] != 0)
        triangles.append(corners[keep].reshape(-1, 3))
        owners.append(np.repeat(net.sides[keep, side], 2))
    yield from _grouped(points, np.concatenate(triangles), np.concatenate(owners))


def _triangulated(net: Net) -> tuple[IntArray, IntArray]:
    """(Q, 2, 3) twice: each quad cut along its shorter diagonal, facing out of its first and of its second label."""
    a, b, c, d = (net.points[net.quads[:, corner]] for corner in range(4))
    short = np.einsum("qx,qx->q", a - c, a - c) <= np.einsum("qx,qx->q", b - d, b - d)
    cut = np.where(short[:, None], net.quads[:, (0, 1, 2, 0, 2, 3)], net.quads[:, (1, 2, 3, 1, 3, 0)]).reshape(-1, 2, 3)
    return cut, cut[:, :, ::-1]


def _grouped(points: FloatArray, triangles: IntArray, owners: IntArray) -> Iterator[tuple[int, Surface]]:
    """Per owner its triangles, and of the points only those that they use."""
    order = np.argsort(owners, kind="stable")
    values, starts = np.unique(owners[order], return_index=True)
    used = np.zeros(len(points), dtype=bool)
    renumbered = np.empty(len(points), dtype=np.int32)
    for value, part in zip(values, np.split(order, starts[1:]), strict=True):
        own = triangles[part]
        used[own] = True
        vertices = np.flatnonzero(used)
        renumbered[vertices] = np.arange(len(vertices))
        used[vertices] = False
        yield int(value), (points[vertices], renumbered[own])
