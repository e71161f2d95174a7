"""Runs one network of a model folder over a region of a scan of any size: scan in, labels out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.engine.accumulate import StreamingArgmax, argmax_into, label_type, sweep_order
from vesalius.engine.backend import Backend, BackendInfo, FloatTensor
from vesalius.engine.choose import EngineChoice, open_backend
from vesalius.engine.plan import Plan, plan_run, tile_shape
from vesalius.engine.progress import Progress
from vesalius.engine.tiles import Tiling
from vesalius.models.folder import ModelFolder
from vesalius.models.spec import (
    Intensity,
    NetworkSpec,
    PercentileIntensity,
    SlidingGrid,
    WholeGrid,
    WindowIntensity,
    ZScoreIntensity,
)
from vesalius.transforms.intensity import IntensityMap, percentile_limits, standardizing, zscore
from vesalius.transforms.resample import resample
from vesalius.volume import Array, Geometry, IndexBox

LabelArray = NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True, eq=False)
class NetworkRun:
    """Labels (I, J, K) on ``grid`` and how they were made."""

    labels: LabelArray
    grid: Geometry
    info: BackendInfo
    tiles: int
    skipped: int
    memory_bytes: int


def run_network(
    folder: ModelFolder,
    network: NetworkSpec,
    scan: Array,
    geometry: Geometry,
    region: IndexBox,
    choice: EngineChoice,
    progress: Progress,
    stage: str,
) -> NetworkRun:
    """Run ``network`` over the ``region`` of ``scan`` (C, I, J, K), which lies on ``geometry`` in the model's orientation.

    Raises:
        NotEnoughMemoryError: the plan does not fit; nothing was run.
        CancelledError: the progress's listener stopped the work.
    """
    with progress.stage(f"{stage}: plan"):
        backend = open_backend(folder, network, (1, len(scan), *tile_shape(network.grid)), choice)
        part, place = scan[(slice(None), *region.slices)], geometry.cropped(region)
        plan = plan_run(network.grid, place, len(scan), backend)
    if isinstance(network.grid, WholeGrid):
        with progress.stage(f"{stage}: prepare"):
            tensor = np.stack([resample(c, place, plan.grid, network.grid.interpolation) for c in part])
            tensor = _normalized(tensor, scan, network.intensity)
        with progress.stage(f"{stage}: network"):
            labels, skipped = _decode(backend.run(tensor[None])[0], network.threshold), 0
            progress.advance()
    else:
        with progress.stage(f"{stage}: prepare"):
            if not plan.grid.is_close(place):
                part = np.stack([resample(c, place, plan.grid, "linear") for c in part])
            maps = [_fit(network.intensity, whole, seen) for whole, seen in zip(scan, part, strict=True)]
        with progress.stage(f"{stage}: network", len(plan.tiling)):
            labels, skipped = _slide(backend, part, maps, plan, network, network.grid, progress)
    return NetworkRun(labels, plan.grid, backend.info, len(plan.tiling), skipped, plan.memory_bytes)


def _slide(
    backend: Backend,
    part: Array,
    maps: list[IntensityMap],
    plan: Plan,
    network: NetworkSpec,
    grid: SlidingGrid,
    progress: Progress,
) -> tuple[LabelArray, int]:
    """Labels of all tiles, and how many tiles were background and not run."""
    order = sweep_order(plan.grid.shape)
    swept = plan.tiling.permuted(order)
    single = network.threshold is not None
    argmax = StreamingArgmax(swept, 2 if single else backend.classes, grid.blend)
    skipped = 0
    for a, start_a in enumerate(swept.starts[0]):
        for b, start_b in enumerate(swept.starts[1]):
            for c, start_c in enumerate(swept.starts[2]):
                start = _unswept((start_a, start_b, start_c), order)
                tile = _cut(part, start, plan.tiling.patch)
                if grid.skip_at_most is not None and tile.max() <= grid.skip_at_most:
                    skipped += 1
                else:
                    scores = backend.run(_tile_tensor(tile, maps, start, plan.tiling))[0]
                    if network.threshold is not None:
                        scores = np.concatenate([np.zeros_like(scores), scores - np.float32(network.threshold)])
                    argmax.add(scores.transpose(0, *(1 + axis for axis in order)), c)
                progress.advance()
            argmax.finish_row(a, b)
    back = tuple(int(axis) for axis in np.argsort(order))
    return argmax.labels.transpose(back), skipped


def _cut(part: Array, start: tuple[int, ...], patch: tuple[int, ...]) -> Array:
    """The voxels (C, …) of a tile that lie on the grid."""
    inside = (slice(max(0, s), min(s + p, n)) for s, p, n in zip(start, patch, part.shape[1:], strict=True))
    return part[(slice(None), *inside)]


def _tile_tensor(tile: Array, maps: list[IntensityMap], start: tuple[int, ...], tiling: Tiling) -> FloatTensor:
    """(1, C, *patch): the tile brought to range and, where it leaves the grid, padded with 0."""
    tensor = np.zeros((1, len(tile), *tiling.patch), np.float32)
    offset = [max(0, -s) for s in start]
    inside = tuple(slice(o, o + n) for o, n in zip(offset, tile.shape[1:], strict=True))
    for target, channel, intensity in zip(tensor[0], tile, maps, strict=True):
        target[inside] = intensity.apply(channel)
    return tensor


def _normalized(tensor: Array, scan: Array, rule: Intensity) -> FloatTensor:
    """``tensor`` (C, …) in the network's range, each channel by itself, C-contiguous."""
    channels = [_fit(rule, whole, seen).apply(seen) for whole, seen in zip(scan, tensor, strict=True)]
    return np.ascontiguousarray(np.stack(channels))


def _fit(rule: Intensity, whole: Array, seen: Array) -> IntensityMap:
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


def _decode(scores: FloatTensor, threshold: float | None) -> LabelArray:
    """(L, I, J, K) class scores → labels."""
    if threshold is not None:
        return (scores[0] > threshold).astype(np.uint8)
    labels = np.empty(scores.shape[1:], label_type(len(scores)))
    argmax_into(scores, labels)
    return labels


def _unswept(start: tuple[int, int, int], order: tuple[int, int, int]) -> tuple[int, int, int]:
    position = [0, 0, 0]
    for axis, value in zip(order, start, strict=True):
        position[axis] = value
    return position[0], position[1], position[2]
