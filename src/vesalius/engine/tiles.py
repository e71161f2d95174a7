"""Where a network's overlapping tiles lie on a grid, and how they are weighted where they overlap."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vesalius.volume import Shape

Blend = Literal["gaussian", "constant"]


@dataclass(frozen=True)
class Tiling:
    """Tiles of ``patch`` voxels on a grid of ``shape``: their first voxels along each axis.

    Where the grid is smaller than the patch there is one tile, which starts at a negative index: it is padded on
    both sides.
    """

    shape: Shape
    patch: Shape
    starts: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]

    @classmethod
    def cover(cls, shape: Shape, patch: Shape, overlap: float) -> Tiling:
        """Tiles that overlap by at least ``overlap`` (0 to 1) of their size; the last ones end with the grid."""
        i, j, k = (_starts(n, p, overlap) for n, p in zip(shape, patch, strict=True))
        return cls(shape, patch, (i, j, k))

    def permuted(self, order: tuple[int, int, int]) -> Tiling:
        """The same tiles with the axes in another order."""
        a, b, c = order
        return Tiling(
            (self.shape[a], self.shape[b], self.shape[c]),
            (self.patch[a], self.patch[b], self.patch[c]),
            (self.starts[a], self.starts[b], self.starts[c]),
        )

    def __len__(self) -> int:
        return math.prod(len(axis) for axis in self.starts)


def importance(patch: Shape, blend: Blend) -> NDArray[np.float32]:
    """The weight of each voxel of a tile: constant, or a Gaussian with a deviation of 1/8 of the tile.

    The Gaussian is nnU-Net's (Isensee et al., Nature Methods 18, 2021): voxels near a tile's border, which the
    network saw with less context, count less. No weight is under 1/1000 of the largest.
    """
    if blend == "constant":
        return np.ones(patch, np.float32)
    a, b, c = (np.exp(-0.5 * ((np.arange(n) - (n - 1) / 2) / (n / 8)) ** 2) for n in patch)
    weights = a[:, None, None] * b[:, None] * c
    floored: NDArray[np.float32] = np.maximum(weights / weights.max(), 1e-3).astype(np.float32)
    return floored


def _starts(length: int, patch: int, overlap: float) -> tuple[int, ...]:
    if length <= patch:
        return (-((patch - length) // 2),)
    step = max(1, int(patch * (1 - overlap)))
    count = math.ceil((length - patch) / step) + 1
    return tuple(min(n * step, length - patch) for n in range(count))
