"""What an autoencoder is asked to undo: nothing, noise (Vincent 2008) or missing blocks (He 2022)."""

from __future__ import annotations

from dataclasses import replace

import torch

from vesalius.nets.masking import masked
from vesalius.train.batches import Batch
from vesalius.train.recipe import Recipe


def corrupted(batch: Batch, recipe: Recipe) -> Batch:
    """For the task reconstruct the target is the batch's own images, before they are corrupted; else the batch.

    Draws from torch's default generator.
    """
    if recipe.task != "reconstruct":
        return batch
    images, corruption = batch.images, recipe.corruption
    if corruption.kind == "noise":
        seen = images + corruption.deviation * torch.randn_like(images)
    elif corruption.kind == "mask":
        seen = masked(images, corruption.share, corruption.block)
    else:
        seen = images
    return replace(batch, images=seen, target=images)
