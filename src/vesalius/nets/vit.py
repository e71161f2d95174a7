"""Vision transformer: an image as a sequence of patches.

Dosovitskiy et al., "An image is worth 16×16 words: transformers for image recognition at scale", ICLR 2021; made of
MONAI's parts, in two and three dimensions. Pre-trained weights are those of timm's (`vesalius.nets.timm_backbone`).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from vesalius.extras import require


class VisionTransformer(nn.Module):
    """(N, C, …) of ``size`` voxels → logits (N, L); ViT-B/16 unless said otherwise.

    Args:
        size: of the image, an axis each; two make it 2D, three 3D. Multiples of ``patch``.
        channels: C.
        classes: L.
        patch: edge of a patch, in voxels.
        width: numbers a patch is described by, a multiple of ``heads``; the perceptrons are four times as wide.
        depth: transformer blocks.
        heads: of the attention.
        dropout: share of activations dropped in train mode.
    """

    def __init__(
        self,
        size: Sequence[int] = (224, 224),
        channels: int = 3,
        classes: int = 2,
        patch: int = 16,
        width: int = 768,
        depth: int = 12,
        heads: int = 12,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.transformer = require("monai.networks.nets", "import").ViT(
            channels,
            tuple(size),
            (patch,) * len(size),
            hidden_size=width,
            mlp_dim=4 * width,
            num_layers=depth,
            num_heads=heads,
            classification=True,
            num_classes=classes,
            dropout_rate=dropout,
            spatial_dims=len(size),
            post_activation="none",
            qkv_bias=True,
        )

    def forward(self, image: Tensor) -> Tensor:
        """(N, C, …) → logits (N, L)."""
        logits: Tensor = self.transformer(image)[0]
        return logits
