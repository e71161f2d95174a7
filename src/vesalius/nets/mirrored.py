"""Test-time augmentation by flips, as part of the network (Isensee 2021, "nnU-Net": mirroring along all axes)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from torch import Tensor, nn


class Mirrored(nn.Module):
    """Runs ``network``, which gives logits, on every combination of flips along ``axes`` (0 is I), and averages.

    What is averaged are the probabilities; it gives their logarithms, so that softmax and arg-max mean the same as for
    a single run.
    """

    def __init__(self, network: nn.Module, axes: Sequence[int]) -> None:
        super().__init__()
        self.network = network
        self._flips = [flip for count in range(1, len(axes) + 1) for flip in combinations(axes, count)]

    def forward(self, image: Tensor) -> Tensor:
        """(N, C, I, J, K) → (N, L, I, J, K), or (N, L) of a classifier."""
        total: Tensor = self.network(image).softmax(1)
        for flip in self._flips:
            axes = [2 + axis for axis in flip]
            probabilities = self.network(image.flip(axes)).softmax(1)
            total = total + (probabilities.flip(axes) if probabilities.ndim > 2 else probabilities)
        return (total / (1 + len(self._flips))).clamp(min=1e-12).log()
