"""A residual U-Net for the data and the machine."""

from __future__ import annotations

from typing import Any

from vesalius.models.spec import SlidingGrid
from vesalius.train.configure.cost import Work
from vesalius.train.configure.fit import Fit, largest_batch, room_on, size_words, smallest_cost
from vesalius.train.configure.layout import Layout
from vesalius.train.configure.machine import Machine
from vesalius.train.configure.patch import Strides, largest_patch
from vesalius.train.fingerprint import Fingerprint
from vesalius.train.recipe import Loss, Network
from vesalius.volume import Shape


def segmenting(data: Fingerprint, seen: Layout, classes: int, loss: Loss, machine: Machine) -> Fit:
    """A residual U-Net on patches.

    Raises:
        NotEnoughMemoryError: not even the smallest patch fits.
    """
    channels = len(data.cases[0].channels)
    room = room_on(machine, data, seen)

    def work(strides: Strides) -> Work:
        return Work(_residual_unet(seen, strides, channels, classes, machine.width), loss, "segment")

    def fits(patch: Shape, strides: Strides) -> bool:
        return room.holds(smallest_cost(work(strides), (channels, *patch)))

    median: Shape = (*seen.size[:2], 1) if seen.planar else seen.size
    patch, strides = largest_patch(median, seen.voxel, fits)
    batch, why_batch = largest_batch(data, seen, work(strides), (channels, *patch), room)
    return Fit(SlidingGrid(patch=patch, spacing=seen.spacing), work(strides), batch, {
        "data.grid.patch": _patch_reason(data, median, patch, machine),
        "network.arguments.width": f"what {machine} trains in good time",
        "network.arguments.depth": "halved until the coarsest map has about 4 voxels a side, 6 levels at most",
        "network.arguments.strides": "coarse axes wait until the others are as coarse" if data.is_anisotropic else "",
        "training.batch": why_batch,
    })  # fmt: skip


def _residual_unet(seen: Layout, strides: Strides, channels: int, classes: int, width: int) -> Network:
    arguments: dict[str, Any] = {"dims": seen.dims, "channels": channels, "classes": classes, "width": width}
    # a planar network sees rows and columns, the columns being our first axis
    steps = [[step[1], step[0]] if seen.planar else list(step) for step in strides]
    arguments["depth"] = len(steps) + 1
    if any(value != 2 for step in steps for value in step):
        arguments["strides"] = steps
    return Network(net="residual-unet", arguments=arguments | {"deep_supervision": True}, planar=seen.planar)


def _patch_reason(data: Fingerprint, median: Shape, patch: Shape, machine: Machine) -> str:
    whole = f"the median of {len(data.cases)} cases is {size_words(median)}"
    if all(p >= n for p, n in zip(patch, median, strict=True)):
        return f"{whole}: it fits whole"
    return f"{whole}: as much of it as {machine} can take, twice, in memory and time"
