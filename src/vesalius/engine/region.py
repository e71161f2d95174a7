"""What a network sees of a scan: a region, sampled on the network's grid and brought to range."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vesalius.engine.backend import FloatTensor
from vesalius.models.spec import (
    Intensity,
    NetworkSpec,
    PercentileIntensity,
    WholeGrid,
    WindowIntensity,
    ZScoreIntensity,
)
from vesalius.transforms.intensity import IntensityMap, percentile_limits, standardizing, zscore
from vesalius.transforms.resample import resample
from vesalius.volume import Array, Geometry, IndexBox, Shape, Volume


@dataclass(frozen=True, eq=False)
class Region:
    """A box of a scan: ``scan`` (C, I, J, K) on ``geometry``, both in the model's orientation."""

    scan: Array
    geometry: Geometry
    box: IndexBox

    @classmethod
    def whole(cls, volume: Volume) -> Region:
        """All of ``volume``, which must be in the model's orientation."""
        return cls(volume.voxels, volume.geometry, IndexBox((0, 0, 0), volume.geometry.shape))

    @property
    def voxels(self) -> Array:
        """(C, …): the part of the scan in the box."""
        return self.scan[(slice(None), *self.box.slices)]

    @property
    def place(self) -> Geometry:
        """Where that part is."""
        return self.geometry.cropped(self.box)


@dataclass(frozen=True, eq=False)
class Seen:
    """A region on the network's grid: ``voxels`` (C, I, J, K), and what brings each channel to range."""

    voxels: Array
    maps: list[IntensityMap]

    def image(self) -> FloatTensor:
        """(C, I, J, K) float32: all of it, brought to range."""
        return self._mapped(self.voxels, np.empty(self.voxels.shape, np.float32))

    def cut(self, start: Shape, patch: Shape) -> Array:
        """The voxels (C, …), as they are, of the tile at ``start`` that lie on the grid."""
        lengths = self.voxels.shape[1:]
        inside = (slice(max(0, s), min(s + p, n)) for s, p, n in zip(start, patch, lengths, strict=True))
        return self.voxels[(slice(None), *inside)]

    def tensor(self, tile: Array, start: Shape, patch: Shape) -> FloatTensor:
        """(1, C, *patch): the cut ``tile`` brought to range and, where it leaves the grid, padded with 0."""
        tensor = np.zeros((1, len(tile), *patch), np.float32)
        offset = [max(0, -s) for s in start]
        inside = tuple(slice(o, o + n) for o, n in zip(offset, tile.shape[1:], strict=True))
        self._mapped(tile, tensor[0][(slice(None), *inside)])
        return tensor

    def _mapped(self, voxels: Array, out: FloatTensor) -> FloatTensor:
        for intensity, channel, target in zip(self.maps, voxels, out, strict=True):
            intensity.apply(channel, target)
        return out


def see(network: NetworkSpec, region: Region, grid: Geometry) -> Seen:
    """``region`` sampled on ``grid``, the network's, and its intensities measured."""
    voxels = region.voxels
    if not grid.is_close(region.place):
        how = network.grid.interpolation if isinstance(network.grid, WholeGrid) else "linear"
        voxels = np.stack([resample(channel, region.place, grid, how) for channel in voxels])
    pairs = zip(region.scan, voxels, strict=True)
    return Seen(voxels, [fit_intensity(network.intensity, whole, part) for whole, part in pairs])


def fit_intensity(rule: Intensity, whole: Array, seen: Array) -> IntensityMap:
    """Measure what ``rule`` needs on the whole scan's channel and on the part that the network sees."""
    match rule:
        case PercentileIntensity():
            low, high = percentile_limits(whole, rule.low, rule.high)
            return standardizing(seen, low, high, rule.scale, rule.shift)
        case WindowIntensity():
            return IntensityMap(rule.low, rule.high, rule.mean, rule.deviation)
        case ZScoreIntensity():
            return zscore(seen, rule.nonzero)
        case _:
            return IntensityMap()
