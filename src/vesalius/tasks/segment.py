"""Segmentation: a scan in, a labelmap or the labels' probabilities on the scan's own grid out."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vesalius.engine.memory import require_memory, resident_bytes
from vesalius.engine.plan import classes_of, network_grid
from vesalius.engine.progress import Progress
from vesalius.engine.region import Region
from vesalius.engine.run import DenseRun, LabelArray, NetworkRun, run_network, run_probabilities
from vesalius.engine.session import Networks
from vesalius.models.spec import CRFParameters, ModelSpec, PostProcessing
from vesalius.results import Labelmap
from vesalius.tasks.components import filled, largest_component
from vesalius.tasks.crf import mean_field, mean_field_bytes
from vesalius.tasks.locate import locate
from vesalius.tasks.suitable import check_suitable
from vesalius.transforms.labels import labels_onto
from vesalius.transforms.resample import resample
from vesalius.volume import Volume, mask_box, reorder


@dataclass(frozen=True, eq=False)
class Segmentation:
    """The labelmap and the runs of the networks that made it, in order."""

    labelmap: Labelmap
    runs: tuple[NetworkRun, ...]


def segment(session: Networks, volume: Volume, progress: Progress) -> Segmentation:
    """Segment ``volume`` with the session's model.

    The network sees the scan with its axes reordered to the model's orientation; the result is put back voxel by
    voxel, so it is on the scan's grid whatever that is. Where a locator finds nothing the labelmap is empty.

    Raises:
        UnsuitableScanError: the scan has another number of channels, is a single slice, or holds NaN or infinity.
        NotEnoughMemoryError: the plan does not fit.
    """
    spec = session.spec
    check_suitable(spec, volume)
    region, runs = locate(session, volume.reoriented(spec.orientation), progress)
    labels = np.zeros(volume.geometry.shape, np.uint8, order="F")
    if region is not None:
        run = _labelled(session, region, progress)
        runs.append(run)
        with progress.stage("segment: back to the scan's grid"):
            seen = labels_onto(run.labels, run.grid, region.place)
            _post_process(seen, spec.post, spec)
            labels = labels.astype(seen.dtype, copy=False)
            reorder(labels, volume.geometry, spec.orientation)[region.box.slices] = seen
    return Segmentation(Labelmap(labels, volume.geometry, spec.labels), tuple(runs))


def probabilities(session: Networks, volume: Volume, progress: Progress) -> NDArray[np.float32]:
    """(L, I, J, K): each class's probability on the scan's own grid and axes, sum 1 over L; 0 is background.

    They are what `segment` decides by, interpolated linearly where the network's grid is another one; neither the
    largest part alone is kept nor are holes filled. Where the network does not look, background is certain.

    Raises:
        UnsuitableScanError: as in `segment`.
        NotEnoughMemoryError: the plan, or the result, does not fit.
    """
    spec = session.spec
    check_suitable(spec, volume)
    classes = classes_of(spec.network, session.backend(spec.network, "scores"))
    result = _background(classes, volume.geometry.shape)
    region, _ = locate(session, volume.reoriented(spec.orientation), progress)
    if region is None:
        return result
    run = _shares(session, region, progress)
    with progress.stage("segment: back to the scan's grid"):
        inside = reorder(result, volume.geometry, spec.orientation)[(slice(None), *region.box.slices)]
        for share, own in zip(inside[1:], run.values[1:], strict=True):
            share[...] = resample(own, run.grid, region.place)
            inside[0] -= share
        np.maximum(inside[0], 0, out=inside[0])  # rounding
    return result


def _background(classes: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """(L, I, J, K): background everywhere. All of it is written to, so that plans made later know that it is taken."""
    require_memory(
        resident_bytes() + 4 * classes * math.prod(shape),
        f"keeping {classes} probabilities for each of the scan's {math.prod(shape)} voxels",
        "close other programs, or resample the scan to a coarser spacing first",
    )
    result = np.empty((classes, *shape), np.float32)
    result[0], result[1:] = 1, 0
    return result


def _labelled(session: Networks, region: Region, progress: Progress) -> NetworkRun:
    """Labels on the network's grid."""
    spec = session.spec
    if not spec.post.needs_probabilities:
        return run_network(session, spec.network, region, progress, "segment")
    shares = _shares(session, region, progress)
    run = shares.decided()
    if spec.post.threshold is not None:
        run.labels[shares.values.max(0) < spec.post.threshold] = 0
    return run


def _shares(session: Networks, region: Region, progress: Progress) -> DenseRun:
    """Probabilities on the network's grid, after the model's conditional random field where it has one."""
    network, crf = session.spec.network, session.spec.post.crf
    if crf is None:
        return run_probabilities(session, network, region, progress, "segment")
    shape = network_grid(network.grid, region.place).shape
    classes = classes_of(network, session.backend(network, "scores"))
    require_memory(
        resident_bytes() + mean_field_bytes(shape, classes, len(region.scan)),
        f"the conditional random field on {'×'.join(str(n) for n in shape)} voxels",
        "close other programs, or crop the scan first",
    )
    return _refined(run_probabilities(session, network, region, progress, "segment"), crf, progress)


def _refined(run: DenseRun, crf: CRFParameters, progress: Progress) -> DenseRun:
    with progress.stage("segment: conditional random field"):
        return replace(run, values=mean_field(run.values, run.seen.image(), run.grid.spacing, crf))


def _post_process(labels: LabelArray, post: PostProcessing, spec: ModelSpec) -> None:
    """Clean each label in place."""
    if not (post.keep_largest or post.fill_holes):
        return
    for value in spec.labels:
        mask = labels == value
        box = mask_box(mask)
        if box is None:
            continue
        inside = mask[box.slices]
        kept = largest_component(inside) if post.keep_largest else inside
        whole = filled(kept) if post.fill_holes else kept
        part = labels[box.slices]
        part[inside & ~kept] = 0
        part[whole & (part == 0)] = value
