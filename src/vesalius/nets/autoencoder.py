"""A convolutional autoencoder: learns what scans look like from scans without labels.

Vincent et al., "Extracting and composing robust features with denoising autoencoders", ICML 2008; He et al., "Masked
autoencoders are scalable vision learners", CVPR 2022. Which of them it is depends on what hides its input
(`vesalius.nets.masking`), not on the network.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from vesalius.nets.blocks import ConvBlock, convolution, upsampling
from vesalius.nets.residual_unet import Encoder, levels


class Autoencoder(nn.Module):
    """(N, C, …) → its reconstruction (N, C, …); sizes are multiples of the strides' product.

    ``encoder`` is that of `ResidualUNet` with the same arguments, by the same names, so that a segmentation can start
    from its weights. The decoder has no skip connections, and other names: what it learns stays here.

    Args:
        dims: 2 or 3.
        channels: C.
        width: channels of the finest level; each level has twice as many as the one above, up to ``widest``.
        depth: levels; the deeper, the less of the image can pass.
        widest: the most channels of a level.
        strides: how much coarser each level is than the one above, one number or one an axis; 2 unless said.
    """

    def __init__(
        self,
        dims: int = 3,
        channels: int = 1,
        width: int = 16,
        depth: int = 4,
        widest: int = 320,
        strides: Sequence[int | Sequence[int]] | None = None,
    ) -> None:
        super().__init__()
        widths, steps = levels(width, depth, widest, strides)
        self.encoder = Encoder(dims, channels, widths, steps)
        self.restore = nn.Sequential(
            *(
                nn.Sequential(upsampling(dims, coarse, fine, step), ConvBlock(dims, fine, fine))
                for coarse, fine, step in reversed(list(zip(widths[1:], widths, steps, strict=False)))
            ),
            convolution(dims, widths[0], channels, 1),
        )

    def forward(self, image: Tensor) -> Tensor:
        """(N, C, …) → (N, C, …)."""
        output: Tensor = self.restore(self.encoder(image)[-1])
        return output
