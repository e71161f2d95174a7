"""How far apart the surfaces of two sets of voxels are, in millimetres.

The surface of a mask is its voxels that have a neighbour by face outside it (the mask without its erosion by the
6-neighbourhood); outside the array is background. Distances go from centre to centre, to the nearest surface voxel of
the other mask. These are MONAI's definitions, and those of most published HD95 and ASSD. Nikolov et al. (J Med
Internet Res 23(7), 2021) and DeepMind's `surface-distance` weigh surface elements by their area instead; their NSD
differs from this one by the sampling of the surface, not by what it means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vesalius.volume import Array, FloatArray, Geometry

Mask = NDArray[np.bool_]

# Distances come in single precision: one of exactly the tolerance must count as within it.
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class SurfaceDistances:
    """Of each surface voxel of either mask, the distance in mm to the other's surface; neither mask is empty."""

    to_second: FloatArray
    to_first: FloatArray

    @property
    def hd95(self) -> float:
        """95th percentile Hausdorff distance, mm: the larger of both directions' percentiles."""
        return float(max(np.percentile(self.to_second, 95), np.percentile(self.to_first, 95)))

    @property
    def assd(self) -> float:
        """Average symmetric surface distance, mm: the mean over the surface voxels of both."""
        return float(np.concatenate([self.to_second, self.to_first]).mean())

    def nsd(self, tolerance_mm: float) -> float:
        """Normalised surface Dice: the share of both surfaces that lies within ``tolerance_mm`` of the other."""
        distances = np.concatenate([self.to_second, self.to_first])
        return float(np.mean(distances <= tolerance_mm * (1 + _ROUNDING)))


def surface_distances(first: Mask, second: Mask, grid: Geometry, threads: int = 1) -> SurfaceDistances:
    """Measure between two masks (I, J, K), both with voxels, cut from the same part of ``grid``."""
    # A picture has no neighbours in front and behind: its surface is its outline.
    axes = [axis for axis, length in enumerate(grid.shape) if length > 1]
    surface, other = surface_voxels(first, axes), surface_voxels(second, axes)
    spacing = grid.spacing
    return SurfaceDistances(
        _distance_map(other, spacing, threads)[surface].astype(np.float64),
        _distance_map(surface, spacing, threads)[other].astype(np.float64),
    )


def surface_voxels(mask: Mask, axes: Sequence[int] = (0, 1, 2)) -> Mask:
    """The voxels of ``mask`` (I, J, K) with a neighbour by face outside it, along ``axes``."""
    inside = mask.copy()
    for axis in axes:
        inner, whole = np.moveaxis(inside, axis, 0), np.moveaxis(mask, axis, 0)
        inner[1:] &= whole[:-1]
        inner[:-1] &= whole[1:]
        inner[[0, -1]] = False
    surface: Mask = mask & ~inside
    return surface


def _distance_map(surface: Mask, spacing: tuple[float, float, float], threads: int) -> Array:
    """(I, J, K) float32: the exact distance in mm to the nearest voxel of ``surface`` (Maurer, PAMI 25(2), 2003)."""
    import SimpleITK as sitk

    # ITK takes the voxels at an image's border for inner ones; with a rim of background none of ours lies there.
    image = sitk.GetImageFromArray(np.pad(surface, 1).view(np.uint8))
    image.SetSpacing(spacing[::-1])
    maurer = sitk.SignedMaurerDistanceMapImageFilter()
    maurer.SetNumberOfThreads(threads)
    maurer.UseImageSpacingOn()
    maurer.SquaredDistanceOff()
    # Signed: a voxel that is itself surface has -0.
    signed: Array = sitk.GetArrayFromImage(maurer.Execute(image))[1:-1, 1:-1, 1:-1]
    return np.abs(signed)
