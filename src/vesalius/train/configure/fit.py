"""The network, its grid and its batch, within the machine's memory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vesalius.models.spec import Grid
from vesalius.train.configure.cost import StepCost, Work, step_cost
from vesalius.train.configure.layout import Layout
from vesalius.train.configure.machine import Machine
from vesalius.train.fingerprint import Fingerprint
from vesalius.volume import Shape

_SHARE_OF_DATA = 0.05  # of all voxels in one batch, at most (Isensee 2021)
_LARGEST_BATCH = {"segment": 32, "classify": 64}
_SMALLEST_BATCH = {"segment": 2, "classify": 8}  # a classifier's batch norm needs more
_IN_MEMORY = 2**23  # bytes up to which `train.prepare` keeps an image in memory


@dataclass(frozen=True)
class Fit:
    """What `segmenting` or `classifying` settles."""

    grid: Grid
    work: Work
    batch: int
    reasons: Mapping[str, str]


@dataclass(frozen=True)
class Room:
    """What a step may take: bytes and operations."""

    bytes: int
    flops: float

    def holds(self, cost: StepCost) -> bool:
        """Whether a step of that cost can be made."""
        return cost.bytes <= self.bytes and cost.flops <= self.flops


def smallest_cost(work: Work, shape: Sequence[int]) -> StepCost:
    """Of a step on the smallest batch of images of ``shape`` (C, I, J, K)."""
    return step_cost(work, (_SMALLEST_BATCH[work.task], *shape))


def room_on(machine: Machine, data: Fingerprint, seen: Layout) -> Room:
    """What is left for a step, beside the prepared cases where they are kept in the same memory."""
    image = 4 * len(data.cases[0].channels) * math.prod(seen.size)
    cases = len(data.cases) * image if machine.device == "cpu" and image < _IN_MEMORY else 0
    return Room(machine.memory_bytes - cases, machine.step_flops)


def largest_batch(data: Fingerprint, seen: Layout, work: Work, shape: Sequence[int], room: Room) -> tuple[int, str]:
    """Doubled while the room holds it, and what it rests on."""
    smallest, cost = _SMALLEST_BATCH[work.task], smallest_cost(work, shape)
    most = _SHARE_OF_DATA * len(data.cases) * len(data.cases[0].channels) * math.prod(seen.size) / math.prod(shape)
    most, times = min(most, _LARGEST_BATCH[work.task]), 1
    while 2 * times * smallest <= most and room.holds(cost.times(2 * times)):
        times *= 2
    taken, there = cost.times(times).bytes / 1e9, room.bytes / 1e9
    return times * smallest, f"a step takes about {taken:.2g} GB in float32, of {there:.2g} GB"


def size_words(shape: Shape) -> str:
    """A shape for a person: 40×56×40."""
    return "×".join(map(str, shape))
