"""Hides blocks of an image from an autoencoder (He 2022, "Masked autoencoders are scalable vision learners")."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 -- as everywhere in the field
from torch import Tensor


def masked(image: Tensor, share: float, block: int) -> Tensor:
    """(N, C, I, J, K) with ``share`` of its blocks of ``block`` voxels a side set to 0; all channels alike.

    Draws from torch's default generator. An axis of one voxel is not divided.
    """
    size = image.shape[2:]
    blocks = [max(1, -(-n // block)) for n in size]
    hidden = torch.rand(len(image), 1, *blocks, device=image.device) < share
    places = F.interpolate(hidden.float(), size=[n * (block if length > 1 else 1) for n, length in zip(blocks, size, strict=True)])
    cropped = places[:, :, : size[0], : size[1], : size[2]]
    return image * (1 - cropped)
