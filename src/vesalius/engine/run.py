"""Runs one network of a model folder over a region of a scan of any size: scan in, labels out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vesalius.engine.accumulate import StreamingArgmax, argmax_into, label_type, sweep_order
from vesalius.engine.backend import Backend, BackendInfo, FloatTensor
from vesalius.engine.plan import Plan, plan_run
from vesalius.engine.progress import Progress
from vesalius.engine.session import Networks
from vesalius.engine.tiles import Tiling
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
class Region:
    """A box of a scan: ``scan`` (C, I, J, K) on ``geometry``, both in the model's orientation."""

    scan: Array
    geometry: Geometry
    box: IndexBox

    @property
    def voxels(self) -> Array:
        """(C, …): the part of the scan in the box."""
        return self.scan[(slice(None), *self.box.slices)]

    @property
    def place(self) -> Geometry:
        """Where that part is."""
        return self.geometry.cropped(self.box)


@dataclass(frozen=True, eq=False)
class NetworkRun:
    """Labels (I, J, K) on ``grid`` and how they were made."""

    labels: LabelArray
    grid: Geometry
    info: BackendInfo
    tiles: int
    skipped: int
    memory_bytes: int


@dataclass(frozen=True, eq=False)
class ScoredRun:
    """One score a class (L), before softmax, and how they were made."""

    scores: FloatTensor
    info: BackendInfo
    memory_bytes: int


def run_network(session: Networks, network: NetworkSpec, region: Region, progress: Progress, stage: str) -> NetworkRun:
    """Run ``network`` over ``region``; the progress's stages are named after ``stage``.

    Raises:
        NotEnoughMemoryError: the plan does not fit; nothing was run.
        CancelledError: the progress's listener stopped the work.
    """
    with progress.stage(f"{stage}: plan"):
        backend = session.backend(network)
        plan = plan_run(network.grid, region.place, len(region.scan), backend)
    if isinstance(network.grid, WholeGrid):
        labels, skipped = _whole(backend, region, plan, network, network.grid, progress, stage), 0
    else:
        labels, skipped = _sliding(backend, region, plan, network, network.grid, progress, stage)
    return NetworkRun(labels, plan.grid, backend.info, len(plan.tiling), skipped, plan.memory_bytes)


def _whole(
    backend: Backend,
    region: Region,
    plan: Plan,
    network: NetworkSpec,
    grid: WholeGrid,
    progress: Progress,
    stage: str,
) -> LabelArray:
    """Labels of the region seen at once."""
    with progress.stage(f"{stage}: prepare"):
        tensor = whole_tensor(network, region, plan.grid, grid.interpolation)
    with progress.stage(f"{stage}: network"):
        output = backend.run(tensor)[0]
        labels = output[0] if backend.decides else _decode(output, network.threshold)
        progress.advance()
    return labels


def run_whole(session: Networks, network: NetworkSpec, region: Region, progress: Progress, stage: str) -> ScoredRun:
    """Run a network that scores the whole of ``region``, a classifier, once.

    Raises:
        NotEnoughMemoryError: the plan does not fit; nothing was run.
    """
    with progress.stage(f"{stage}: plan"):
        backend = session.backend(network)
        plan = plan_run(network.grid, region.place, len(region.scan), backend)
    with progress.stage(f"{stage}: prepare"):
        tensor = whole_tensor(network, region, plan.grid, "linear")
    with progress.stage(f"{stage}: network"):
        scores = np.array(backend.run(tensor)[0], np.float32)
        progress.advance()
    return ScoredRun(scores, backend.info, plan.memory_bytes)


def whole_tensor(
    network: NetworkSpec, region: Region, grid: Geometry, interpolation: Literal["nearest", "linear"]
) -> FloatTensor:
    """(1, C, I, J, K): the region sampled on ``grid`` and brought to range."""
    seen = [resample(channel, region.place, grid, interpolation) for channel in region.voxels]
    maps = _fit_all(network.intensity, region.scan, seen)
    tensor = np.empty((1, len(seen), *grid.shape), np.float32)
    for intensity, channel, out in zip(maps, seen, tensor[0], strict=True):
        intensity.apply(channel, out)
    return tensor


def _sliding(
    backend: Backend,
    region: Region,
    plan: Plan,
    network: NetworkSpec,
    grid: SlidingGrid,
    progress: Progress,
    stage: str,
) -> tuple[LabelArray, int]:
    """Labels of the region seen tile by tile, and how many tiles were background and not run."""
    with progress.stage(f"{stage}: prepare"):
        seen = region.voxels
        if not plan.grid.is_close(region.place):
            seen = np.stack([resample(channel, region.place, plan.grid, "linear") for channel in seen])
        maps = _fit_all(network.intensity, region.scan, list(seen))
    with progress.stage(f"{stage}: network", len(plan.tiling)):
        return _slide(backend, seen, maps, plan, network, grid, progress)


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
        intensity.apply(channel, target[inside])
    return tensor


def _fit_all(rule: Intensity, scan: Array, seen: list[Array]) -> list[IntensityMap]:
    """Each channel's own intensity map."""
    return [fit_intensity(rule, whole, part) for whole, part in zip(scan, seen, strict=True)]


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


def _decode(scores: FloatTensor, threshold: float | None) -> LabelArray:
    """(L, I, J, K) class scores → labels."""
    if threshold is not None:
        labels: LabelArray = (scores[0] > threshold).astype(np.uint8)
        return labels
    labels = np.empty(scores.shape[1:], label_type(len(scores)))
    argmax_into(scores, labels)
    return labels


def _unswept(start: tuple[int, int, int], order: tuple[int, int, int]) -> tuple[int, int, int]:
    position = [0, 0, 0]
    for axis, value in zip(order, start, strict=True):
        position[axis] = value
    return position[0], position[1], position[2]
