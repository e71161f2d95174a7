"""DeepMedic: the same pathway of convolutions at several resolutions side by side.

Kamnitsas et al., "Efficient multi-scale 3D CNN with fully connected CRF for accurate brain lesion segmentation",
Medical Image Analysis 36, 2017, with its residual connections. Ours differs in three ways: convolutions are padded, so
that the scores are as large as the image; all pathways see the same patch; blocks are those of our other networks. Its
conditional random field is `vesalius.tasks.crf`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 -- as everywhere in the field
from torch import Tensor, nn

from vesalius.nets.blocks import ConvBlock, ResidualBlock, convolution

_POOLING = {2: F.avg_pool2d, 3: F.avg_pool3d}
_MODE = {2: "bilinear", 3: "trilinear"}


class DeepMedic(nn.Module):
    """(N, C, …) → scores (N, L, …), of any size.

    Args:
        dims: 2 or 3.
        channels: C.
        classes: L.
        factors: how much coarser than the image each further pathway sees it; its reach grows likewise.
        widths: channels of a pathway's layers, an even number of them.
        fused: channels of the two layers that join the pathways.
    """

    def __init__(
        self,
        dims: int = 3,
        channels: int = 1,
        classes: int = 2,
        factors: Sequence[int] = (3,),
        widths: Sequence[int] = (30, 30, 40, 40, 40, 40, 50, 50),
        fused: int = 150,
    ) -> None:
        super().__init__()
        if len(widths) % 2:
            raise ValueError(f"widths come in pairs, one residual connection around each, not {len(widths)} of them")
        self._dims, self._factors = dims, tuple(factors)
        self.fine = _pathway(dims, channels, widths)
        self.coarse = nn.ModuleList(_pathway(dims, channels, widths) for _ in factors)
        self.head = nn.Sequential(
            _joining(dims, widths[-1] * (1 + len(self._factors)), fused),
            _joining(dims, fused, fused),
            convolution(dims, fused, classes, 1),
        )

    def forward(self, image: Tensor) -> Tensor:
        """(N, C, …) → scores (N, L, …)."""
        features = [self.fine(image)]
        for factor, pathway in zip(self._factors, self.coarse, strict=True):
            features.append(self._back(pathway(self._pooled(image, factor)), factor, image))
        scores: Tensor = self.head(torch.cat(features, dim=1))
        return scores

    def _pooled(self, image: Tensor, factor: int) -> Tensor:
        """Blocks of ``factor`` voxels averaged; what is left of them at the far border too."""
        return _POOLING[self._dims](image, factor, ceil_mode=True)

    def _back(self, features: Tensor, factor: int, like: Tensor) -> Tensor:
        """Interpolated so that each block's value lies at its centre, and cut to the size of ``like``."""
        scaled = F.interpolate(features, scale_factor=factor, mode=_MODE[self._dims], align_corners=False)
        for axis in range(2, like.ndim):
            scaled = scaled.narrow(axis, 0, like.shape[axis])
        return scaled


def _pathway(dims: int, channels: int, widths: Sequence[int]) -> nn.Sequential:
    """Two plain layers, then pairs with the input added."""
    first = (ConvBlock(dims, channels, widths[0]), ConvBlock(dims, widths[0], widths[1]))
    pairs = (ResidualBlock(dims, widths[layer - 1], widths[layer]) for layer in range(2, len(widths), 2))
    return nn.Sequential(*first, *pairs)


def _joining(dims: int, inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(convolution(dims, inputs, outputs, 1), nn.LeakyReLU(0.01, inplace=True))
