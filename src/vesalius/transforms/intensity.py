"""Intensity rules: what is measured on the scan first, and then applied to any part of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vesalius.errors import UnsuitableScanError
from vesalius.volume import Array

_PERCENTILE_GRID = 128
_SLAB = 2**17


@dataclass(frozen=True)
class IntensityMap:
    """value → (clip(value, low, high) - subtract) / divide, in float32."""

    low: float = -np.inf
    high: float = np.inf
    subtract: float = 0.0
    divide: float = 1.0

    def apply(self, voxels: Array, out: Array) -> None:
        """Put the mapped ``voxels`` (I, J, K) into ``out``, float32 of the same shape.

        Plane by plane, so that all steps on a plane find it in the processor's cache.
        """
        clips = np.isfinite(self.low) or np.isfinite(self.high)
        for plane, mapped in zip(voxels, out, strict=True):
            mapped[...] = plane
            if clips:
                np.clip(mapped, self.low, self.high, out=mapped)
            mapped -= np.float32(self.subtract)
            mapped *= np.float32(1 / self.divide)


def percentile_limits(scan: Array, low: float, high: float) -> tuple[float, float]:
    """The percentiles of ``scan`` (I, J, K), taken from at most 128 nearest-neighbour samples along each axis.

    Raises:
        UnsuitableScanError: both are the same value, so the scan has no contrast.
    """
    positions = [_nearest_positions(n) for n in scan.shape]
    sampled = scan
    for axis, position in enumerate(positions):
        sampled = np.take(sampled, position, axis=axis)
    bottom, top = (float(v) for v in np.percentile(sampled, [low, high]))
    if not top > bottom:
        raise UnsuitableScanError(
            f"the scan has no contrast: its {low:g}th and {high:g}th percentiles are both {bottom:g}; is it empty?"
        )
    return bottom, top


def standardizing(region: Array, low: float, high: float, scale: float, shift: float) -> IntensityMap:
    """Clip to ``low``..``high``; then mean 0 and deviation 1 over ``region``; then times ``scale`` plus ``shift``."""
    mean, deviation = _moments(region, low, high)
    # (x - mean) / deviation * scale + shift, as one subtraction and one division
    return IntensityMap(low, high, mean - shift * deviation / scale, deviation / scale)


def zscore(scan: Array, nonzero: bool) -> IntensityMap:
    """Mean 0 and deviation 1 over ``scan``, or over its voxels that are not zero."""
    values = scan[scan != 0] if nonzero and (scan != 0).any() else scan
    mean, deviation = _moments(values, -np.inf, np.inf)
    return IntensityMap(subtract=mean, divide=deviation)


def _nearest_positions(length: int) -> Array:
    """The voxels nearest to the centres of 128 equal parts of the axis, each part at least one voxel."""
    count = _PERCENTILE_GRID
    return np.floor((np.arange(count) + 0.5) * length / count).astype(np.intp)


def _moments(values: Array, low: float, high: float) -> tuple[float, float]:
    """Mean and standard deviation of the clipped values, slab by slab, so that no full float copy is made."""
    total, squares = 0.0, 0.0
    centre = float(np.clip(values.flat[values.size // 2], low, high))
    for slab in np.array_split(values, max(1, values.size // _SLAB)):
        part = slab.astype(np.float32)
        np.clip(part, low, high, out=part)
        part -= np.float32(centre)
        flat = part.ravel(order="K")
        total += float(flat.sum())  # float32 summed in pairs over one slab, slabs in double precision
        squares += float(np.dot(flat, flat))
    mean = total / values.size
    variance = max(squares / values.size - mean * mean, 0.0)
    return mean + centre, max(float(np.sqrt(variance)), 1e-8)
