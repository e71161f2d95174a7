"""Edges along which a label touches itself: drawn apart, so that its surface stays a two-manifold along every edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vesalius.scene.net import IntArray, Net
from vesalius.volume import FloatArray

_INSET = 0.2  # of the way from the edge to the voxel's centre: visible to no one, enough to stay apart in float32


def unpinched(net: Net) -> tuple[FloatArray, NDArray[np.bool_], IntArray, IntArray]:
    """Redraws the quads at edges where two voxels of a label touch but share no face.

    Four of the label's quads meet in such an edge, two of each voxel. Each voxel gets a vertex of its own, in the
    middle of the edge and a little towards the voxel, and its two quads bend to that.

    Returns:
        The points (V + n, 3), the new ones last; which quads are redrawn on which side (Q, 2); the triangles (T, 3)
        that stand for them, facing outwards; and whose they are (T,).
    """
    quad, side, corner, edge = _pinched(net)
    voxel = _inside_voxel(net, quad, side)
    keys, first, which = np.unique(np.column_stack([edge, voxel]), axis=0, return_index=True, return_inverse=True)
    ends = net.quads[quad[first], corner[first]], net.quads[quad[first], (corner[first] + 1) % 4]
    middle = (net.lattice[ends[0]] + net.lattice[ends[1]]) / 2
    middles = (net.points[ends[0]] + net.points[ends[1]]) / 2 + _INSET * (keys[:, 1:] - middle)

    faces, face = np.unique(np.column_stack([quad, side]), axis=0, return_inverse=True)
    bend = np.full((len(faces), 4), -1)
    bend[face.ravel(), corner] = len(net.points) + which.ravel()
    centres = net.points[net.quads[faces[:, 0]]].mean(axis=1)
    centre = len(net.points) + len(middles) + np.arange(len(faces))

    redrawn = np.zeros((len(net.quads), 2), dtype=bool)
    redrawn[faces[:, 0], faces[:, 1]] = True
    triangles, owner = _fans(net, faces, bend, centre)
    return np.concatenate([net.points, middles, centres]), redrawn, triangles, owner


def _pinched(net: Net) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """(N,) each: quad, side, corner and edge wherever four quads of the label on that side share the edge."""
    edges = net.edges()
    quad, corner = np.nonzero(np.bincount(edges.ravel(), minlength=3 * len(net.points))[edges] == 4)
    quad, corner, side = np.repeat(quad, 2), np.repeat(corner, 2), np.tile((0, 1), len(quad))
    edge, label = edges[quad, corner], net.sides[quad, side].astype(np.int64)
    _, group, counts = np.unique(np.column_stack([edge, label]), axis=0, return_inverse=True, return_counts=True)
    four = (counts[group.ravel()] == 4) & (label != 0)
    return quad[four], side[four], corner[four], edge[four]


def _inside_voxel(net: Net, quad: IntArray, side: IntArray) -> IntArray:
    """(N, 3): the voxel behind each quad, seen from outside the label on that side."""
    a, b, c = (net.lattice[net.quads[quad, corner]] for corner in range(3))
    outwards = np.cross(b - a, c - b) * np.where(side == 0, 1, -1)[:, None]
    voxel: IntArray = np.rint((a + c) / 2 - outwards / 2).astype(np.int64)
    return voxel


def _fans(net: Net, faces: IntArray, bend: IntArray, centre: IntArray) -> tuple[IntArray, IntArray]:
    """Triangles from each face's centre to its edges, a bent edge being two; and the label that each belongs to."""
    quads = net.quads[faces[:, 0]]
    label = net.sides[faces[:, 0], faces[:, 1]]
    triangles, owners = [], []
    for corner in range(4):
        start, stop, via = quads[:, corner], quads[:, (corner + 1) % 4], bend[:, corner]
        bent = via >= 0
        target = np.where(bent, via, stop)
        fan = [np.column_stack([start, target, centre]), np.column_stack([via, stop, centre])[bent]]
        reverse = [faces[:, 1] == 1, faces[bent, 1] == 1]
        triangles += [np.where(flip[:, None], part[:, ::-1], part) for part, flip in zip(fan, reverse, strict=True)]
        owners += [label, label[bent]]
    return np.concatenate(triangles), np.concatenate(owners)
