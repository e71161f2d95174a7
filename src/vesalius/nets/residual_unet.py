"""A U-Net with a residual encoder and a light decoder, in two and three dimensions.

Ronneberger 2015 (U-Net), Çiçek 2016 (in 3D), He 2016 (residual blocks), Isensee 2024 (in the encoder: "nnU-Net
Revisited"), Lee 2015 (deep supervision).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from vesalius.nets.blocks import ConvBlock, ResidualBlock, Stride, convolution, upsampling


class Encoder(nn.Module):
    """Features at every level, each level half as fine as the one before along the axes that ``strides`` says."""

    def __init__(self, dims: int, channels: int, widths: Sequence[int], strides: Sequence[Stride]) -> None:
        super().__init__()
        self.stem = ConvBlock(dims, channels, widths[0])
        inputs = (widths[0], *widths[:-1])
        self.levels = nn.ModuleList(
            ResidualBlock(dims, before, width, stride)
            for before, width, stride in zip(inputs, widths, (1, *strides), strict=True)
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, C, …) → the features of each level, finest first."""
        features, found = self.stem(image), []
        for level in self.levels:
            features = level(features)
            found.append(features)
        return found


def levels(
    width: int, depth: int, widest: int, strides: Sequence[int | Sequence[int]] | None
) -> tuple[list[int], list[Stride]]:
    """The channels of each level, doubling up to ``widest``, and the strides between them, 2 unless said."""
    widths = [min(width * 2**level, widest) for level in range(depth)]
    return widths, [step if isinstance(step, int) else tuple(step) for step in strides or [2] * (depth - 1)]


class ResidualUNet(nn.Module):
    """Residual encoder, decoder of one convolution a level, skip connections by addition.

    Added rather than concatenated, the skips halve the work of the decoder's finest convolution, which on a CPU is a
    third of the whole network's.

    Args:
        dims: 2 or 3.
        channels: C of the image.
        classes: L of the scores.
        width: channels of the finest level; each level has twice as many as the one above, up to ``widest``.
        depth: levels.
        strides: how much coarser each level is than the one above, one number or one an axis; 2 unless said.
        deep_supervision: in train mode also score the ``depth - 2`` levels below the finest.
    """

    def __init__(
        self,
        dims: int = 3,
        channels: int = 1,
        classes: int = 2,
        width: int = 16,
        depth: int = 4,
        widest: int = 320,
        strides: Sequence[int | Sequence[int]] | None = None,
        deep_supervision: bool = False,
    ) -> None:
        super().__init__()
        widths, steps = levels(width, depth, widest, strides)
        self.encoder = Encoder(dims, channels, widths, steps)
        self.up = nn.ModuleList(
            upsampling(dims, widths[level + 1], widths[level], steps[level]) for level in range(depth - 1)
        )
        self.decoder = nn.ModuleList(ConvBlock(dims, width, width) for width in widths[:-1])
        heads = depth - 1 if deep_supervision else 1
        self.heads = nn.ModuleList(convolution(dims, widths[level], classes, 1) for level in range(heads))

    def forward(self, image: Tensor) -> Tensor | tuple[Tensor, ...]:
        """(N, C, …) → scores (N, L, …); in train mode with deep supervision those of each level, finest first."""
        skips = self.encoder(image)
        features, scores = skips[-1], []
        for level in reversed(range(len(self.up))):
            features = self.decoder[level](self.up[level](features) + skips[level])
            if level == 0 or (self.training and level < len(self.heads)):
                scores.append(self.heads[level](features))
        return tuple(reversed(scores)) if self.training and len(scores) > 1 else scores[-1]
