"""Which patches a step sees: a function of the seed, the step and the process alone.

So a resumed training draws the same as one that never stopped. Cases and places hang on the patch's number, and are the
same for any number of processes; only the augmentation is drawn for a process's patches together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from vesalius.train.prepare import Prepared
from vesalius.transforms.augment.chain import Chain
from vesalius.volume import Shape

if TYPE_CHECKING:
    from torch import Tensor

_ORDER, _PATCH, _AUGMENT = range(3)


@dataclass(frozen=True, eq=False)
class Batch:
    """Images (N, C, I, J, K) float32; labels (N, I, J, K) uint8, or classes (N,) int64, or nothing."""

    images: Tensor
    target: Tensor | None


@dataclass(frozen=True)
class Sampling:
    """How batches are drawn from the prepared cases."""

    seed: int
    batch: int
    patch: Shape
    margin: float  # the patch is cut this much larger than it is, so that turned patches have no empty corners
    foreground: float
    balance: bool

    def cut(self) -> Shape:
        """The size of the patch with its margin."""
        i, j, k = (round(n * (1 + self.margin)) if n > 1 else 1 for n in self.patch)
        return i, j, k


class Sampler:
    """Draws the batch of any step."""

    def __init__(self, cases: Sequence[Prepared], sampling: Sampling, chain: Chain) -> None:
        self._cases, self._sampling, self._chain = cases, sampling, chain
        self._odds = _balanced(cases) if sampling.balance else None

    def draw(self, step: int, rank: int, world: int, device: torch.device) -> Batch:
        """The part of process ``rank`` of ``world`` in the batch of ``step``, augmented on ``device``."""
        sampling = self._sampling
        numbers = range(step * sampling.batch + rank, (step + 1) * sampling.batch, world)
        chosen = [self._cases[self._case(number)] for number in numbers]
        cut = [
            _cut(case, sampling, _random(sampling.seed, _PATCH, number))
            for case, number in zip(chosen, numbers, strict=True)
        ]
        images = torch.from_numpy(np.stack([image for image, _ in cut])).to(device)
        labels = None
        if cut[0][1] is not None:
            labels = torch.from_numpy(np.stack([label for _, label in cut if label is not None])).to(device)
        generator = torch.Generator().manual_seed(int(_random(sampling.seed, _AUGMENT, step, rank).integers(2**62)))
        record = self._chain.sample(len(chosen), sampling.cut(), chosen[0].spacing, generator)
        images, labels = self._chain.apply(record, images, labels)
        images, labels = _centre(images, sampling.patch), None if labels is None else _centre(labels, sampling.patch)
        return Batch(images, labels if labels is not None else _classes(chosen, device))

    def names(self, step: int) -> tuple[str, ...]:
        """The cases in the batch of ``step``, of all processes."""
        first = step * self._sampling.batch
        return tuple(self._cases[self._case(first + place)].name for place in range(self._sampling.batch))

    def _case(self, number: int) -> int:
        """The case of the ``number``-th patch: every case once a round, in another order each round."""
        if self._odds is not None:
            return int(_random(self._sampling.seed, _ORDER, number).choice(len(self._cases), p=self._odds))
        round_, place = divmod(number, len(self._cases))
        return int(_shuffled(self._sampling.seed, round_, len(self._cases))[place])


@lru_cache(maxsize=4)
def _shuffled(seed: int, round_: int, count: int) -> np.ndarray:
    return _random(seed, _ORDER, round_).permutation(count)


def _random(*key: int) -> np.random.Generator:
    return np.random.default_rng(key)


def _balanced(cases: Sequence[Prepared]) -> np.ndarray:
    """The odds of each case so that every class is drawn equally often."""
    classes = np.array([case.target for case in cases])
    counts = {value: int((classes == value).sum()) for value in set(classes.tolist())}
    odds = np.array([1 / counts[value] for value in classes.tolist()])
    balanced: np.ndarray = odds / odds.sum()
    return balanced


def _cut(case: Prepared, sampling: Sampling, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray | None]:
    """A patch (C, …) with its margin, and its labels; zeros where it leaves the case."""
    size = sampling.cut()
    start = _start(case, size, sampling.foreground, random)
    image = _window(case.image, start, size)
    return image, None if case.labels is None else _window(case.labels[None], start, size)[0]


def _start(case: Prepared, size: Sequence[int], foreground: float, random: np.random.Generator) -> list[int]:
    """Where the patch begins: anywhere within the case, or centred on a labelled voxel as far as the case reaches.

    Along an axis on which the case is smaller than the patch it lies anywhere that keeps it whole.
    """
    share, pick = random.random(), random.random()
    anywhere = random.random(3)
    shape = case.image.shape[1:]
    if case.foreground is not None and len(case.foreground) and share < foreground:
        centre = case.foreground[int(pick * len(case.foreground))]
        return [
            int(np.clip(c - n // 2, min(0, full - n), max(0, full - n)))
            for c, n, full in zip(centre, size, shape, strict=True)
        ]
    return [
        int(np.floor(min(0, full - n) + a * (abs(full - n) + 1)))
        for a, n, full in zip(anywhere, size, shape, strict=True)
    ]


def _window(voxels: np.ndarray, start: Sequence[int], size: Sequence[int]) -> np.ndarray:
    out = np.zeros((len(voxels), *size), voxels.dtype)
    source = tuple(slice(max(0, s), max(0, s + n)) for s, n in zip(start, size, strict=True))
    inside = voxels[(slice(None), *source)]
    place = tuple(slice(max(0, -s), max(0, -s) + n) for s, n in zip(start, inside.shape[1:], strict=True))
    out[(slice(None), *place)] = inside
    return out


def _centre(tensor: Tensor, patch: Shape) -> Tensor:
    """The middle ``patch`` of the last three axes."""
    for axis, length in zip((-3, -2, -1), patch, strict=True):
        tensor = tensor.narrow(axis, (tensor.shape[axis] - length) // 2, length)
    return tensor


def _classes(cases: Sequence[Prepared], device: torch.device) -> Tensor | None:
    if cases[0].target is None:
        return None
    return torch.tensor([case.target for case in cases], device=device)
