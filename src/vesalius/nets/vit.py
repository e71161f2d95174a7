"""Vision transformer: an image as a sequence of patches.

Dosovitskiy et al., "An image is worth 16×16 words: transformers for image recognition at scale", ICLR 2021. It is
timm's, whose parameter names, and so whose weights pre-trained on ImageNet, it shares in 2D; in 3D the same with cubes
for patches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from vesalius.extras import require
from vesalius.nets.blocks import CONVOLUTIONS


def vit(
    size: Sequence[int],
    channels: int = 1,
    classes: int = 2,
    patch: int = 16,
    width: int = 768,
    depth: int = 12,
    heads: int = 12,
    dropout: float = 0.0,
) -> nn.Module:
    """(N, C, …) of ``size`` voxels → logits (N, L); ViT-B/16 unless said otherwise.

    Args:
        size: of the image, rows and columns or three axes; multiples of ``patch``.
        channels: C.
        classes: L.
        patch: edge of a patch, in voxels.
        width: numbers a patch is described by, a multiple of ``heads``; the perceptrons are four times as wide.
        depth: transformer blocks.
        heads: of the attention.
        dropout: share of activations dropped in train mode, by the perceptrons and after the attention.

    Raises:
        ValueError: ``size`` is not of two or three multiples of ``patch``.
    """
    if len(size) not in CONVOLUTIONS or any(length % patch for length in size):
        raise ValueError(f"size is two or three multiples of the patch's edge of {patch}, not {list(size)}")
    network: nn.Module = require("timm.models", "train").VisionTransformer(
        img_size=tuple(size),
        patch_size=patch,
        in_chans=channels,
        num_classes=classes,
        embed_dim=width,
        depth=depth,
        num_heads=heads,
        proj_drop_rate=dropout,
        embed_layer=_Patches,
    )
    return network


class _Patches(nn.Module):
    """Each patch as one vector, in two and three dimensions; timm says the arguments' names."""

    def __init__(self, img_size: Sequence[int], patch_size: int, in_chans: int, embed_dim: int, **_: Any) -> None:
        super().__init__()
        self.num_patches = math.prod(length // patch_size for length in img_size)
        self.proj = CONVOLUTIONS[len(img_size)](in_chans, embed_dim, patch_size, patch_size)

    def forward(self, image: Tensor) -> Tensor:
        """(N, C, …) → (N, patches, width)."""
        vectors: Tensor = self.proj(image)
        return vectors.flatten(2).transpose(1, 2)
