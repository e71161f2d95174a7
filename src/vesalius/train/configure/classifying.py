"""A ResNet for the data and the machine."""

from __future__ import annotations

from collections.abc import Callable

from vesalius.errors import NotEnoughMemoryError
from vesalius.models.spec import WholeGrid
from vesalius.train.configure.cost import Work
from vesalius.train.configure.fit import Fit, largest_batch, room_on, size_words, smallest_cost
from vesalius.train.configure.layout import Layout
from vesalius.train.configure.machine import Machine
from vesalius.train.fingerprint import Fingerprint
from vesalius.train.recipe import Loss, Network
from vesalius.volume import Shape

_LONGEST = {2: 224, 3: 128}  # edge of what it sees
_SHORTEST = 32
_SMALL = 48  # up to which the first convolution keeps the size


def classifying(data: Fingerprint, seen: Layout, classes: int, loss: Loss, machine: Machine) -> Fit:
    """A ResNet-18 on the whole image.

    Raises:
        NotEnoughMemoryError: not even a small image fits.
    """
    channels = len(data.cases[0].channels)
    room = room_on(machine, data, seen)

    def work(size: Shape) -> Work:
        arguments = {"dims": seen.dims, "channels": channels, "classes": classes, "depth": 18}
        small = {"small": True} if max(size) <= _SMALL else {}
        return Work(Network(net="resnet", arguments=arguments | small, planar=seen.planar), loss, "classify")

    size = _largest_size(seen, lambda size: room.holds(smallest_cost(work(size), (channels, *size))))
    batch, why_batch = largest_batch(data, seen, work(size), (channels, *size), room)
    return Fit(WholeGrid(size=size), work(size), batch, {
        "data.grid.size": _size_reason(data, seen, size, machine),
        "network.arguments.small": "the images are hardly larger than those of CIFAR-10",
        "training.batch": why_batch,
    })  # fmt: skip


def _largest_size(seen: Layout, fits: Callable[[Shape], bool]) -> Shape:
    """The median image, shrunk to what is usual and then until it ``fits``."""
    size = _shrunk(seen.size, min(1.0, _LONGEST[seen.dims] / max(seen.size)), seen.planar)
    while not fits(size):
        if max(size[:2]) < _SHORTEST:
            raise NotEnoughMemoryError(
                "not even eight small images can be trained on in this memory; allow more with --memory"
            )
        size = _shrunk(size, 0.8, seen.planar)
    return size


def _shrunk(size: Shape, factor: float, planar: bool) -> Shape:
    i, j, k = (n if planar and axis == 2 else max(1, round(n * factor)) for axis, n in enumerate(size))
    return i, j, k


def _size_reason(data: Fingerprint, seen: Layout, size: Shape, machine: Machine) -> str:
    whole = f"the median of {len(data.cases)} cases is {size_words(seen.size)}"
    return whole if size == seen.size else f"{whole}: as fine as {machine} can take"
