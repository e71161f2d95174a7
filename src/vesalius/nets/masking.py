"""Hides blocks of an image from an autoencoder (He 2022, "Masked autoencoders are scalable vision learners")."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812 -- as everywhere in the field
from torch import Tensor


def masked(image: Tensor, share: float, block: int) -> Tensor:
    """(N, C, I, J, K) with ``share`` of the blocks of each image set to 0, all channels alike.

    A block has ``block`` voxels a side, less at the far border; an axis of one voxel, that of a picture, is one block
    thick. Their number is rounded, the draw is from torch's default generator.
    """
    size = image.shape[2:]
    grid = [-(-length // block) for length in size]
    order = torch.rand(len(image), math.prod(grid), device=image.device).argsort(1)
    seen = torch.ones_like(order, dtype=image.dtype)
    seen.scatter_(1, order[:, : round(share * math.prod(grid))], 0)
    voxels = F.interpolate(seen.view(-1, 1, *grid), scale_factor=block)
    return image * voxels[:, :, : size[0], : size[1], : size[2]]
