"""Test-time augmentation by flips, as part of the network."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from torch import Tensor, nn


class Mirrored(nn.Module):
    """Runs ``network`` on every combination of flips along ``axes`` (0 is I) and averages the probabilities.

    It gives their logarithms, so that softmax and arg-max mean the same as for a single run.
    """

    def __init__(self, network: nn.Module, axes: Sequence[int]) -> None:
        super().__init__()
        self.network = network
        self._flips = [combination for count in range(len(axes) + 1) for combination in combinations(axes, count)]

    def forward(self, image: Tensor) -> Tensor:
        """(N, C, I, J, K) → (N, L, I, J, K), or (N, L) of a classifier."""
        total: Tensor | None = None
        for flip in self._flips:
            axes = [2 + axis for axis in flip]
            probabilities = self.network(image.flip(axes) if axes else image).softmax(1)
            if axes and probabilities.ndim > 2:
                probabilities = probabilities.flip(axes)
            total = probabilities if total is None else total + probabilities
        if total is None:
            raise ValueError("there is always the combination without a flip")
        return (total / len(self._flips)).clamp(min=1e-12).log()
