"""What will be run, on what grid, in how many tiles and with how much memory: settled before anything runs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vesalius.engine.accumulate import buffer_bytes, sweep_order
from vesalius.engine.backend import Backend
from vesalius.engine.memory import require_memory, resident_bytes
from vesalius.engine.tiles import Tiling
from vesalius.models.spec import SlidingGrid, WholeGrid
from vesalius.volume import Geometry, Shape


@dataclass(frozen=True)
class Plan:
    """The grid that the network sees, its tiling in the scan's axes, and the process's memory at its peak, bytes."""

    grid: Geometry
    tiling: Tiling
    memory_bytes: int


def network_grid(spec: WholeGrid | SlidingGrid, region: Geometry) -> Geometry:
    """The grid on which a network sees ``region``."""
    if isinstance(spec, WholeGrid):
        return region.resized(spec.size)
    return region if spec.spacing is None else region.resampled_to(spec.spacing)


def tile_shape(spec: WholeGrid | SlidingGrid) -> Shape:
    """Voxels of one tile."""
    return spec.size if isinstance(spec, WholeGrid) else spec.patch


def plan_run(spec: WholeGrid | SlidingGrid, region: Geometry, channels: int, backend: Backend) -> Plan:
    """Plan a run and refuse it where it does not fit.

    Raises:
        NotEnoughMemoryError: the estimate exceeds what is free.
    """
    grid = network_grid(spec, region)
    overlap = 0.0 if isinstance(spec, WholeGrid) else spec.overlap
    tiling = Tiling.cover(grid.shape, tile_shape(spec), overlap)
    tile = 4 * channels * math.prod(tiling.patch)
    # The backend counts its input; each tile is also held once while it is cut out and brought to range.
    working = backend.memory_bytes() + tile
    if isinstance(spec, WholeGrid):
        # The scan on the network's grid, and the arg-max where the network does not decide by itself.
        working += math.prod(grid.shape) * (1 if backend.decides else 2)
    else:
        resampled = 0 if grid.is_close(region) else 4 * channels * math.prod(grid.shape)
        swept = tiling.permuted(sweep_order(grid.shape))
        working += resampled + buffer_bytes(swept, backend.classes)
    estimate = resident_bytes() + working
    suggestion = "close other programs, or resample the scan to a coarser spacing first"
    require_memory(estimate, f"running the network on {_times(grid.shape)} voxels in {len(tiling)} tiles", suggestion)
    return Plan(grid, tiling, estimate)


def _times(shape: Shape) -> str:
    return "×".join(str(n) for n in shape)
