"""Shapes whose size and place are known in closed form, and grids that are not straight."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grids import rotation
from vesalius.results import Label, Labelmap, palette_colour
from vesalius.scene.mesh import Mesh
from vesalius.volume import Geometry


def affine(spacing: tuple[float, float, float], *, flip: bool, oblique: bool) -> NDArray[np.float64]:
    """(4, 4): spacing in mm, the first axis reversed, turned about a slanted axis, and away from the origin."""
    matrix = np.eye(4)
    turn = rotation((0.9, 0.3, -0.2, 0.25)) if oblique else np.eye(3)
    matrix[:3, :3] = turn @ np.diag(spacing) @ np.diag([-1 if flip else 1, 1, 1])
    matrix[:3, 3] = (-31.5, 17.25, 104.0)
    return matrix


GRIDS = [
    affine(spacing, flip=flip, oblique=oblique)
    for spacing in ((1.0, 1.0, 1.0), (0.8, 1.1, 1.5))
    for flip in (False, True)
    for oblique in (False, True)
]


def labelmap(voxels: NDArray[np.integer], matrix: NDArray[np.float64] | None = None) -> Labelmap:
    """``voxels`` (I, J, K) with every value named."""
    labels = {int(v): Label(name=f"part {v}", colour=palette_colour(int(v))) for v in np.unique(voxels) if v}
    return Labelmap(voxels, Geometry(voxels.shape, np.eye(4) if matrix is None else matrix), labels)


def l_shape(shape: tuple[int, int, int] = (24, 17, 13)) -> NDArray[np.uint8]:
    """A body that is no mirror image of itself, touching two faces of the grid."""
    voxels = np.zeros(shape, np.uint8)
    voxels[0:18, 3:8, 2:6] = 1
    voxels[0:5, 3:14, 2:6] = 1
    voxels[0:5, 3:8, 2:13] = 1
    return voxels


def ball(radius: float, spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> tuple[Labelmap, NDArray[np.float64]]:
    """A ball of ``radius`` mm and where its centre is, mm, off the voxels' centres."""
    step = np.asarray(spacing)
    shape = tuple(int(n) for n in np.ceil((2 * radius + 4 * step) / step))
    centre = (np.asarray(shape) - 1) / 2 * step + 0.2 * step
    places = np.moveaxis(np.indices(shape), 0, -1) * step
    voxels = (np.linalg.norm(places - centre, axis=-1) <= radius).astype(np.uint8)
    return labelmap(voxels, np.diag([*spacing, 1.0])), centre


def cuboid(low: tuple[float, float, float], high: tuple[float, float, float]) -> Mesh:
    """Twelve triangles."""
    corners = np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    triangles = [triangle for a, b, c, d in quads for triangle in ((a, b, c), (a, c, d))]
    return Mesh(corners, np.array(triangles, dtype=np.int32))
