"""Slices between thick slices, so that a surface does not come out as a stack of terraces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vesalius.volume import Array, FloatArray, Geometry

_THICK = 2.0  # slice spacing over pixel spacing from which terraces show
_FINEST = 6  # at most that many new slices for each old one
_REACH = 2.0  # slice spacings; farther than that from a contour it does not matter how far
_ROUNDING = 0.75
_SLICES_APART = 1e3  # slice spacings; so far apart no slice is nearer than a pixel of the same slice


def needs_interpolation(geometry: Geometry) -> bool:
    """Whether the slices are more than twice as far apart as the pixels in them."""
    *_, pixel, between = sorted(geometry.spacing)
    return between > _THICK * pixel


def interpolate_slices(voxels: Array, affine: FloatArray, values: Sequence[int]) -> tuple[Array, FloatArray]:
    """``voxels`` (I, J, K) and their affine on a nearly isotropic grid, by shape-based interpolation.

    Of each label the signed distance to its outline within each slice is interpolated linearly between slices (Raya &
    Udupa 1990); where several labels are inside, the deepest wins. Pixels finer than a sixth of the slice spacing are
    thinned to that.

    Args:
        voxels: integers whose outermost layer is 0.
        affine: (4, 4), INDEX → WORLD, mm.
        values: the labels, all of them that occur.
    """
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    pixel, between = np.sort(spacing)[1:]
    counts = np.asarray(voxels.shape) - 1
    fine = np.ceil(counts * spacing / max(pixel, between / _FINEST)).astype(int)
    step = counts / fine
    labels = np.zeros(fine + 1, voxels.dtype, order="F")
    depth = np.zeros(fine + 1, np.float32, order="F")
    for value in values:
        low, high = _bounds(voxels == value)
        distance = _in_slice_distance(voxels[_box(low, high)] == value, spacing)
        first, last = np.ceil((low - 1e-9) / step).astype(int), np.floor((high + 1e-9) / step).astype(int)
        for axis in np.argsort(-step):
            at = np.clip(np.arange(first[axis], last[axis] + 1) * step[axis] - low[axis], 0, high[axis] - low[axis])
            distance = _interpolated(distance, at, int(axis))
        inside = _box(first, last)
        deeper = distance < depth[inside]
        labels[inside][deeper] = value
        depth[inside][deeper] = distance[deeper]
    return labels, affine @ np.diag([*step, 1.0])


def _in_slice_distance(mask: Array, spacing: FloatArray) -> Array:
    """Signed distance, mm, of each pixel to the outline in its own slice; negative inside, cut off at `_REACH`."""
    import SimpleITK as sitk

    apart = spacing.copy()
    apart[np.argmax(spacing)] *= _SLICES_APART
    signed = np.zeros(mask.shape, np.float32)
    for sign, side in ((1, mask), (-1, ~mask)):
        image = sitk.GetImageFromArray(side.transpose(2, 1, 0).astype(np.uint8))
        image.SetSpacing(apart.tolist())
        distance = sitk.SignedMaurerDistanceMap(image, squaredDistance=False, useImageSpacing=True)
        signed += sign * np.maximum(sitk.GetArrayViewFromImage(distance).transpose(2, 1, 0), 0)
    reach = _REACH * float(spacing.max())
    signed = signed.clip(-reach, reach)
    axis = int(np.argmax(spacing))
    _close_ends(np.moveaxis(signed, axis, 0), np.moveaxis(mask, axis, 0))
    return signed


def _close_ends(distance: Array, mask: Array) -> None:
    """Beside a label's last slice the distance is such that its end is round and still, on average, half a slice away.

    Over a disc the depth x has the mean of x / (x + c) one half where c is three quarters of its mean.
    """
    depths = np.array(
        [-part[inside].mean() if inside.any() else np.nan for part, inside in zip(distance, mask, strict=True)]
    )
    for position in np.flatnonzero(np.isnan(depths)):
        beside = depths[max(position - 1, 0) : position + 2]
        if not np.isnan(beside).all():
            distance[position] = _ROUNDING * np.nanmean(beside)


def _interpolated(array: Array, at: FloatArray, axis: int) -> Array:
    """``array`` at the fractional positions ``at`` along ``axis``, linear."""
    base = np.minimum(at.astype(int), array.shape[axis] - 2)
    weight = np.expand_dims((at - base).astype(np.float32), tuple({0, 1, 2} - {axis}))
    low, high = array.take(base, axis), array.take(base + 1, axis)
    blended: Array = low + weight * (high - low)
    return blended


def _bounds(mask: Array) -> tuple[Array, Array]:
    """First and last index (3) of the box around ``mask`` with one voxel more on every side."""
    spans = [np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    return np.array([span[0] - 1 for span in spans]), np.array([span[-1] + 1 for span in spans])


def _box(low: Array, high: Array) -> tuple[slice, slice, slice]:
    i, j, k = (slice(int(a), int(b) + 1) for a, b in zip(low, high, strict=True))
    return i, j, k
