"""The scan just beneath a surface, as its brightness: on a brain it shows the folds that the mask covers."""

from __future__ import annotations

import numpy as np

from vesalius.scene.mesh import Mesh
from vesalius.volume import FloatArray, Volume, sample

_DEPTHS_MM = (2.0, 3.0, 4.0, 5.0)
_DARKEST, _BRIGHTEST = 0.2, 1.1
_DARK_PERCENTILE, _FULL_PERCENTILE = 2, 75


def brightness_beneath(volume: Volume, mesh: Mesh) -> FloatArray:
    """(V,): factor on the light from each vertex, about 1 where the first channel is bright 2 to 5 mm beneath it."""
    inwards = -mesh.normals()
    beneath = np.zeros(len(mesh.vertices))
    for depth in _DEPTHS_MM:
        beneath += sample(volume.voxels[0], volume.geometry.to_index(mesh.vertices + depth * inwards), order=0)
    beneath = _blurred(np.nan_to_num(beneath), mesh)
    dark, full = np.percentile(beneath, (_DARK_PERCENTILE, _FULL_PERCENTILE))
    if full <= dark:
        return np.ones(len(beneath))
    share = (beneath - dark) / (full - dark)
    factor: FloatArray = np.clip(_DARKEST + (1 - _DARKEST) * share, _DARKEST, _BRIGHTEST)
    return factor


def _blurred(values: FloatArray, mesh: Mesh) -> FloatArray:
    """Each vertex's value averaged over its triangles: the nearest voxel is a coarse sample."""
    corners = mesh.triangles.ravel()
    sums = np.bincount(corners, np.repeat(values[mesh.triangles].mean(axis=1), 3), minlength=len(values))
    blurred: FloatArray = sums / np.maximum(np.bincount(corners, minlength=len(values)), 1)
    return blurred
