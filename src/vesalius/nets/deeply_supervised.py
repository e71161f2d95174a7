"""The 3D deeply supervised network: a plain encoder whose hidden layers have to segment as well.

Dou et al., "3D deeply supervised network for automated segmentation of volumetric medical images", Medical Image
Analysis 41, 2017: three stages of two convolutions, two poolings between them, deconvolutions back to full size, no
skips. Ours has kernels of 3 voxels a side and instance norm, and works in two dimensions as well.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from vesalius.nets.blocks import ConvBlock, convolution, upsampling

_POOLING = {2: nn.MaxPool2d, 3: nn.MaxPool3d}
_STAGES = 3


class DeeplySupervised(nn.Module):
    """(N, C, …) → scores (N, L, …); sizes are multiples of 4.

    In train mode the scores of the last, the second and the first stage, each brought to full size.

    Args:
        dims: 2 or 3.
        channels: C.
        classes: L.
        width: channels of the first stage; each later one has twice as many.
    """

    def __init__(self, dims: int = 3, channels: int = 1, classes: int = 2, width: int = 16) -> None:
        super().__init__()
        widths = [width * 2**stage for stage in range(_STAGES)]
        self.stages = nn.ModuleList(
            nn.Sequential(ConvBlock(dims, before, after), ConvBlock(dims, after, after))
            for before, after in zip((channels, *widths), widths, strict=False)
        )
        self.pool = _POOLING[dims](2)
        self.heads = nn.ModuleList(_head(dims, widths[: stage + 1], classes) for stage in range(_STAGES))

    def forward(self, image: Tensor) -> Tensor | tuple[Tensor, ...]:
        """(N, C, …) → scores (N, L, …), in train mode three of them."""
        features, scores = image, []
        for place, stage in enumerate(self.stages):
            features = stage(self.pool(features) if place else features)
            if self.training or place == _STAGES - 1:
                scores.append(self.heads[place](features))
        return tuple(reversed(scores)) if self.training else scores[-1]


def _head(dims: int, widths: list[int], classes: int) -> nn.Sequential:
    """Deconvolutions from the coarsest of ``widths`` to the finest, then scores."""
    up = [
        nn.Sequential(upsampling(dims, coarse, fine), nn.LeakyReLU(0.01, inplace=True))
        for fine, coarse in reversed(list(pairwise(widths)))
    ]
    return nn.Sequential(*up, convolution(dims, widths[0], classes, 1))
