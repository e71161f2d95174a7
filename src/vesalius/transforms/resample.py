"""Values on one grid, seen on another."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vesalius.volume import Array, FloatArray, Geometry

Interpolation = Literal["nearest", "linear"]
_ALIGNED = 1e-6


def resample(voxels: Array, source: Geometry, target: Geometry, interpolation: Interpolation = "linear") -> Array:
    """``voxels`` (I, J, K) on ``source``, seen on ``target``: (I', J', K').

    Nearest keeps the type; linear gives float32. Up to the outer edge of the grid the outermost voxel's value holds;
    beyond it there is 0. Grids whose axes are parallel, in any order, are resampled axis by axis; others through
    SimpleITK.
    """
    index_map = target.index_map(source)
    axes = _parallel_axes(index_map)
    if axes is None:
        return _resample_oblique(voxels, index_map, target.shape, interpolation)
    moved = voxels.transpose(axes)
    for axis in _most_reducing_first(moved.shape, target.shape):
        scale, offset = index_map[axes[axis], axis], index_map[axes[axis], 3]
        position = np.arange(target.shape[axis]) * scale + offset
        moved = _take_nearest(moved, axis, position) if interpolation == "nearest" else _lerp(moved, axis, position)
    return moved


def _parallel_axes(index_map: FloatArray) -> tuple[int, int, int] | None:
    """For each target axis the source axis it runs along; None where any runs along more than one."""
    matrix = np.abs(index_map[:3, :3])
    axes = matrix.argmax(axis=0)
    rest = matrix.copy()
    rest[axes, np.arange(3)] = 0
    if len(set(axes.tolist())) < 3 or rest.max() > _ALIGNED * matrix.max():
        return None
    i, j, k = (int(axis) for axis in axes)
    return i, j, k


def _most_reducing_first(source: tuple[int, ...], target: tuple[int, ...]) -> list[int]:
    return sorted(range(3), key=lambda axis: target[axis] / source[axis])


def _outside(position: FloatArray, length: int) -> NDArray[np.bool_]:
    outside: NDArray[np.bool_] = (position < -0.5 - _ALIGNED) | (position > length - 0.5 + _ALIGNED)
    return outside


def _take_nearest(voxels: Array, axis: int, position: FloatArray) -> Array:
    length = voxels.shape[axis]
    # Midway between two voxels the later one is taken, also where rounding of the affine says slightly less.
    nearest = np.clip(np.floor(position + 0.5 + _ALIGNED), 0, length - 1).astype(np.intp)
    taken: Array = np.take(voxels, nearest, axis=axis)
    _blank(taken, axis, _outside(position, length))
    return taken


def _lerp(voxels: Array, axis: int, position: FloatArray) -> Array:
    length = voxels.shape[axis]
    clipped = np.clip(position, 0, length - 1)
    below = np.minimum(clipped.astype(np.intp), max(length - 2, 0))
    above = np.minimum(below + 1, length - 1)
    weight = (clipped - below).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
    low = np.take(voxels, below, axis=axis).astype(np.float32, copy=False)
    difference: Array = np.take(voxels, above, axis=axis).astype(np.float32, copy=False) - low
    difference *= weight
    difference += low
    _blank(difference, axis, _outside(position, length))
    return difference


def _blank(voxels: Array, axis: int, outside: NDArray[np.bool_]) -> None:
    if outside.any():
        where: list[Any] = [slice(None)] * 3
        where[axis] = outside
        voxels[tuple(where)] = 0


def _resample_oblique(
    voxels: Array, index_map: FloatArray, shape: tuple[int, int, int], interpolation: Interpolation
) -> Array:
    """SimpleITK in index space: both images have unit spacing, the affine carries target INDEX to source INDEX."""
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(np.ascontiguousarray(voxels.transpose(2, 1, 0)))
    if interpolation == "linear":
        image = sitk.Cast(image, sitk.sitkFloat32)
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(index_map[:3, :3].ravel())
    transform.SetTranslation(index_map[:3, 3])
    interpolator = sitk.sitkNearestNeighbor if interpolation == "nearest" else sitk.sitkLinear
    resampled = sitk.Resample(image, shape, transform, interpolator, (0.0,) * 3, (1.0,) * 3, np.eye(3).ravel(), 0.0)
    array: Array = sitk.GetArrayFromImage(resampled).transpose(2, 1, 0)
    return array
