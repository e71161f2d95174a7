"""Runs one network of a model folder over a region of a scan of any size: scan in, labels or scores out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.engine.accumulate import BlendedScores, StreamingArgmax, argmax
from vesalius.engine.backend import Backend, BackendInfo, FloatTensor, Output
from vesalius.engine.plan import Plan, classes_of, plan_run
from vesalius.engine.progress import Progress
from vesalius.engine.region import Region, Seen, see
from vesalius.engine.session import Networks
from vesalius.engine.slide import class_scores, slide
from vesalius.models.spec import NetworkSpec, WholeGrid
from vesalius.volume import Geometry

LabelArray = NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True, eq=False, kw_only=True)
class Run:
    """On what grid a network was run over a region, and how."""

    grid: Geometry
    info: BackendInfo
    tiles: int
    skipped: int
    memory_bytes: int


@dataclass(frozen=True, eq=False, kw_only=True)
class NetworkRun(Run):
    """Labels (I, J, K) on ``grid``."""

    labels: LabelArray


@dataclass(frozen=True, eq=False, kw_only=True)
class DenseRun(Run):
    """Values (L, I, J, K) float32 on ``grid``, where the network saw ``seen``.

    ``covered`` (I, J, K) is False where every tile was skipped.
    """

    values: FloatTensor
    covered: NDArray[np.bool_]
    seen: Seen

    def decided(self) -> NetworkRun:
        """The labels of the largest values, which are not kept."""
        return NetworkRun(
            labels=argmax(self.values),
            grid=self.grid,
            info=self.info,
            tiles=self.tiles,
            skipped=self.skipped,
            memory_bytes=self.memory_bytes,
        )


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
    backend, plan, seen = _prepared(session, network, region, "labels", progress, stage)
    with progress.stage(f"{stage}: network", len(plan.tiling)):
        labels, skipped = _labels(backend, seen, plan, network, progress)
    return NetworkRun(labels=labels, skipped=skipped, **_how(backend, plan))


def run_dense(session: Networks, network: NetworkSpec, region: Region, progress: Progress, stage: str) -> DenseRun:
    """The same, but the values are what the network itself gives, averaged where tiles overlap.

    One channel with a threshold becomes two: 0, and how far it exceeds the threshold. All channels of all voxels are in
    memory at once.

    Raises:
        NotEnoughMemoryError: the plan does not fit; nothing was run.
        CancelledError: the progress's listener stopped the work.
    """
    backend, plan, seen = _prepared(session, network, region, "scores", progress, stage)
    with progress.stage(f"{stage}: network", len(plan.tiling)):
        values, covered, skipped = _scores(backend, seen, plan, network, progress)
    return DenseRun(values=values, covered=covered, seen=seen, skipped=skipped, **_how(backend, plan))


def run_probabilities(
    session: Networks, network: NetworkSpec, region: Region, progress: Progress, stage: str
) -> DenseRun:
    """The same, but the values are each class's probability, the softmax of the blended scores; sum 1 over L.

    Of one channel with a threshold it is the logistic function of what exceeds the threshold, which is a probability
    if the network gives log-odds, and ranks voxels rightly in any case. Where every tile was skipped, background is
    certain.

    Raises:
        NotEnoughMemoryError: the plan does not fit; nothing was run.
        CancelledError: the progress's listener stopped the work.
    """
    run = run_dense(session, network, region, progress, stage)
    with progress.stage(f"{stage}: probabilities"):
        _softmax(run.values)
        run.values[:, ~run.covered] = 0
        run.values[0, ~run.covered] = 1
    return run


def run_whole(session: Networks, network: NetworkSpec, region: Region, progress: Progress, stage: str) -> ScoredRun:
    """Run a network that scores the whole of ``region``, a classifier, once.

    Raises:
        NotEnoughMemoryError: the plan does not fit; nothing was run.
    """
    backend, plan, seen = _prepared(session, network, region, "labels", progress, stage)
    with progress.stage(f"{stage}: network"):
        scores = np.array(backend.run(seen.image()[np.newaxis])[0], np.float32)
        progress.advance()
    return ScoredRun(scores, backend.info, plan.memory_bytes)


def _prepared(
    session: Networks, network: NetworkSpec, region: Region, output: Output, progress: Progress, stage: str
) -> tuple[Backend, Plan, Seen]:
    with progress.stage(f"{stage}: plan"):
        backend = session.backend(network, output)
        plan = plan_run(network, region.place, len(region.scan), backend, output)
    with progress.stage(f"{stage}: prepare"):
        seen = see(network, region, plan.grid)
    return backend, plan, seen


def _how(backend: Backend, plan: Plan) -> dict[str, Any]:
    """Fields of the run's record."""
    return {
        "grid": plan.grid,
        "info": backend.info,
        "tiles": len(plan.tiling),
        "memory_bytes": plan.memory_bytes,
    }


def _labels(
    backend: Backend, seen: Seen, plan: Plan, network: NetworkSpec, progress: Progress
) -> tuple[LabelArray, int]:
    """Labels of the region, and how many tiles were background and not run."""
    if isinstance(network.grid, WholeGrid):
        output = backend.run(seen.image()[np.newaxis])[0]
        progress.advance()
        return output[0] if backend.decides else _decode(output, network.threshold), 0
    streaming = StreamingArgmax(plan.swept, classes_of(network, backend), network.grid.blend)
    skipped = slide(backend, seen, plan, network, network.grid, streaming, progress)
    return plan.unswept(streaming.labels), skipped


def _scores(
    backend: Backend, seen: Seen, plan: Plan, network: NetworkSpec, progress: Progress
) -> tuple[FloatTensor, NDArray[np.bool_], int]:
    """Scores of the region, where there are any, and how many tiles were background and not run."""
    if isinstance(network.grid, WholeGrid):
        output = np.array(backend.run(seen.image()[np.newaxis])[0], np.float32)
        progress.advance()
        return class_scores(output, network.threshold), np.ones(plan.grid.shape, bool), 0
    accumulated = BlendedScores(plan.swept, classes_of(network, backend), network.grid.blend)
    skipped = slide(backend, seen, plan, network, network.grid, accumulated, progress)
    values, covered = accumulated.blended()
    return plan.unswept(values), plan.unswept(covered), skipped


def _decode(scores: FloatTensor, threshold: float | None) -> LabelArray:
    """(L, I, J, K) class scores → labels."""
    if threshold is None:
        return argmax(scores)
    above: LabelArray = (scores[0] > threshold).astype(np.uint8)
    return above


def _softmax(scores: FloatTensor) -> None:
    """(L, I, J, K) in place; plane by plane, so that no copy of all is made."""
    slowest = int(np.argmax(scores.strides[1:]))
    for plane in np.moveaxis(scores, 1 + slowest, 0):
        plane -= plane.max(axis=0)
        np.exp(plane, out=plane)
        plane /= plane.sum(axis=0)
