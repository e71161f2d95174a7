"""A 2D network on the slices of a stack."""

from __future__ import annotations

from torch import Tensor, nn


class Planar(nn.Module):
    """Runs ``network``, which takes (N, C, rows, columns), on every slice of (N, C, I, J, K) along K.

    I is the column and J the row, as everywhere in Vesalius. Scores a pixel come back as (N, L, I, J, K); scores a
    picture (N, L) are averaged over the slices. A tuple (deep supervision) comes back as a tuple.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor | tuple[Tensor, ...]:
        """(N, C, I, J, K) → (N, L, I, J, K) or (N, L)."""
        count, channels, columns, rows, slices = image.shape
        stacked = image.permute(0, 4, 1, 3, 2).reshape(count * slices, channels, rows, columns)
        output = self.network(stacked)
        if isinstance(output, tuple):
            return tuple(self._unstacked(part, count, slices) for part in output)
        return self._unstacked(output, count, slices)

    def _unstacked(self, output: Tensor, count: int, slices: int) -> Tensor:
        if output.ndim == 2:
            return output.reshape(count, slices, output.shape[1]).mean(1)
        rows, columns = output.shape[2:]
        return output.reshape(count, slices, output.shape[1], rows, columns).permute(0, 2, 4, 3, 1)
