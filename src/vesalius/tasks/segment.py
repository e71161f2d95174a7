"""Segmentation: a scan in, a labelmap on the scan's own grid out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vesalius.engine.progress import Progress
from vesalius.engine.run import LabelArray, NetworkRun, Region, run_network
from vesalius.engine.session import Networks
from vesalius.models.spec import LocatorSpec, ModelSpec, PostProcessing
from vesalius.results import Labelmap
from vesalius.tasks.components import Mask, filled, largest_component
from vesalius.tasks.suitable import check_suitable
from vesalius.transforms.labels import labels_onto
from vesalius.volume import IndexBox, Shape, Volume, mask_box, reorder


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
    oriented = volume.reoriented(spec.orientation)
    scan, geometry = oriented.voxels, oriented.geometry
    box, runs = IndexBox((0, 0, 0), geometry.shape), []
    labels = np.zeros(volume.geometry.shape, np.uint8, order="F")
    if spec.locator is not None:
        whole = Region(scan, geometry, box)
        coarse = run_network(session, spec.locator.network, whole, progress, "locate")
        runs.append(coarse)
        found = _found_box(coarse.labels == 1, geometry.shape, spec.locator)
        if found is None:
            return Segmentation(Labelmap(labels, volume.geometry, spec.labels), tuple(runs))
        box = found
    run = run_network(session, spec.network, Region(scan, geometry, box), progress, "segment")
    runs.append(run)
    with progress.stage("segment: back to the scan's grid"):
        seen = labels_onto(run.labels, run.grid, geometry.cropped(box))
        _post_process(seen, spec.post, spec)
        labels = labels.astype(seen.dtype, copy=False)
        reorder(labels, volume.geometry, spec.orientation)[box.slices] = seen
    return Segmentation(Labelmap(labels, volume.geometry, spec.labels), tuple(runs))


def _found_box(mask: Mask, shape: Shape, locator: LocatorSpec) -> IndexBox | None:
    """The box, in voxels of the grid of ``shape``, around what the locator marked on its own, coarser grid."""
    part = largest_component(mask)
    start, stop = [], []
    for axis, length in enumerate(shape):
        share = part.mean(axis=tuple(other for other in range(3) if other != axis))
        marked = np.flatnonzero(share > locator.min_share)
        if marked.size == 0:
            return None
        scale = length / mask.shape[axis]
        centre = round((marked[-1] + 1 + marked[0]) / 2 * scale)
        size = round((marked[-1] + 1 - marked[0]) * scale * (1 + 2 * locator.margin))
        start.append(max(0, int(centre - size / 2)))
        stop.append(min(length, max(int(centre + size / 2), start[-1] + 1)))
    return IndexBox((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


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
