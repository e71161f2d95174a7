"""Whether a model can take a scan at all."""

from __future__ import annotations

import numpy as np

from vesalius.errors import UnsuitableScanError
from vesalius.models.spec import ModelSpec
from vesalius.volume import Shape, Volume


def check_suitable(spec: ModelSpec, volume: Volume) -> None:
    """Refuse a scan that the model cannot take.

    Raises:
        UnsuitableScanError: with what is wrong and what to do.
    """
    if len(volume.channels) != len(spec.channels):
        raise UnsuitableScanError(
            f"the model {spec.name!r} takes {len(spec.channels)} channel(s) ({', '.join(spec.channels)}), the scan has "
            f"{len(volume.channels)} ({', '.join(volume.channels[:4])}{', …' if len(volume.channels) > 4 else ''}); "
            "give it one 3D scan"
        )
    flat = [axis for axis, n in zip("IJK", volume.geometry.shape, strict=True) if n == 1]
    if flat and min(_tile(spec)) > 1:
        raise UnsuitableScanError(
            f"the model {spec.name!r} takes a 3D scan, this one is a single slice "
            f"{'×'.join(str(n) for n in volume.geometry.shape)}"
        )
    bad = volume.voxels.size - int(np.isfinite(volume.voxels).sum()) if volume.voxels.dtype.kind == "f" else 0
    if bad:
        raise UnsuitableScanError(
            f"{bad} of the scan's {volume.voxels.size} voxels are not a number (NaN or infinite); find out why, or "
            "replace them with: vesalius convert SCAN OUT --fill-nan 0"
        )


def _tile(spec: ModelSpec) -> Shape:
    grid = spec.network.grid
    return grid.size if grid.kind == "whole" else grid.patch
