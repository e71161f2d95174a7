"""Where in a scan the main network is to look."""

from __future__ import annotations

import numpy as np

from vesalius.engine.progress import Progress
from vesalius.engine.region import Region
from vesalius.engine.run import NetworkRun, run_network
from vesalius.engine.session import Networks
from vesalius.models.spec import LocatorSpec
from vesalius.tasks.components import Mask, largest_component
from vesalius.volume import IndexBox, Shape, Volume


def locate(session: Networks, oriented: Volume, progress: Progress) -> tuple[Region | None, list[NetworkRun]]:
    """The region of ``oriented``, a scan in the model's orientation, that its locator finds; all where it has none.

    Returns:
        The region, None where the locator finds nothing, and the locator's run.

    Raises:
        NotEnoughMemoryError: the plan does not fit.
    """
    whole, locator = Region.whole(oriented), session.spec.locator
    if locator is None:
        return whole, []
    coarse = run_network(session, locator.network, whole, progress, "locate")
    box = _found_box(coarse.labels == 1, oriented.geometry.shape, locator)
    return (None if box is None else Region(whole.scan, whole.geometry, box)), [coarse]


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
