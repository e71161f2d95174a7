"""What will be run, on what grid, in how many tiles and with how much memory: settled before anything runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vesalius.engine.accumulate import argmax_bytes, blended_bytes, sweep_order
from vesalius.engine.backend import Backend, Output
from vesalius.engine.memory import require_memory, resident_bytes
from vesalius.engine.tiles import Tiling
from vesalius.models.spec import NetworkSpec, SlidingGrid, WholeGrid
from vesalius.volume import Array, Geometry, Shape


@dataclass(frozen=True)
class Plan:
    """The grid that the network sees, its tiling in the scan's axes, and the process's memory at its peak, bytes.

    Tiles are visited with the axes in sweep order, ``order``; ``swept`` is the tiling in that order.
    """

    grid: Geometry
    tiling: Tiling
    memory_bytes: int

    @property
    def order(self) -> tuple[int, int, int]:
        """The scan's axes in sweep order."""
        return sweep_order(self.grid.shape)

    @cached_property
    def swept(self) -> Tiling:
        """The tiling with its axes in sweep order."""
        return self.tiling.permuted(self.order)

    def start(self, place: tuple[int, int, int]) -> Shape:
        """The first voxel, in the scan's axes, of the tile at the positions ``place`` of the swept tiling."""
        first = [starts[n] for starts, n in zip(self.swept.starts, place, strict=True)]
        i, j, k = (first[axis] for axis in np.argsort(self.order))
        return i, j, k

    def unswept(self, array: Array) -> Array:
        """A view of ``array`` (…, A, B, C), its last three axes back in the scan's order."""
        lead = array.ndim - 3
        return array.transpose(*range(lead), *(lead + int(axis) for axis in np.argsort(self.order)))


def network_grid(spec: WholeGrid | SlidingGrid, region: Geometry) -> Geometry:
    """The grid on which a network sees ``region``."""
    if isinstance(spec, WholeGrid):
        return region.resized(spec.size)
    return region if spec.spacing is None else region.resampled_to(spec.spacing)


def tile_shape(spec: WholeGrid | SlidingGrid) -> Shape:
    """Voxels of one tile."""
    return spec.size if isinstance(spec, WholeGrid) else spec.patch


def classes_of(network: NetworkSpec, backend: Backend) -> int:
    """How many scores a voxel has; one channel with a threshold is two classes."""
    return backend.classes if network.threshold is None else 2


def plan_run(network: NetworkSpec, region: Geometry, channels: int, backend: Backend, output: Output) -> Plan:
    """Plan a run that gives labels, or the scores of all classes, and refuse it where it does not fit.

    Raises:
        NotEnoughMemoryError: the estimate exceeds what is free.
    """
    spec = network.grid
    grid = network_grid(spec, region)
    overlap = 0.0 if isinstance(spec, WholeGrid) else spec.overlap
    tiling = Tiling.cover(grid.shape, tile_shape(spec), overlap)
    tile = 4 * channels * math.prod(tiling.patch)
    # The backend counts its input; each tile is also held once while it is cut out and brought to range.
    working = backend.memory_bytes() + tile + _kept_bytes(network, tiling, backend, output)
    image = 4 * channels * math.prod(grid.shape)
    if isinstance(spec, SlidingGrid) and not grid.is_close(region):
        working += image
    if output == "scores":  # whoever wants them compares them with the image that the network saw
        working += image
    estimate = resident_bytes() + working
    kept = "" if output == "labels" else f" and keeping {classes_of(network, backend)} scores a voxel"
    what = f"running the network on {_times(grid.shape)} voxels in {len(tiling)} tiles{kept}"
    require_memory(estimate, what, "close other programs, or resample the scan to a coarser spacing first")
    return Plan(grid, tiling, estimate)


def _kept_bytes(network: NetworkSpec, tiling: Tiling, backend: Backend, output: Output) -> int:
    """Memory of what is made of the backend's output."""
    classes = classes_of(network, backend)
    if output == "scores":
        return blended_bytes(tiling, classes)
    if isinstance(network.grid, SlidingGrid):
        return argmax_bytes(tiling.permuted(sweep_order(tiling.shape)), classes)
    # The scan on the network's grid, and the arg-max where the network does not decide by itself.
    return math.prod(tiling.shape) * (1 if backend.decides else 2)


def _times(shape: Shape) -> str:
    return "×".join(str(n) for n in shape)
