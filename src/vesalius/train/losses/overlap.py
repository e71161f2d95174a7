"""Soft Dice: the overlap itself, with probabilities in place of labels (Milletari 2016, "V-Net")."""

from __future__ import annotations

import torch
from torch import Tensor


def dice_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """1 minus the mean over the labels of Dice, counted over the whole batch; background is left out.

    logits (N, L, …), labels (N, …). Over the batch, because a label may be absent from single patches.
    """
    probabilities = logits.softmax(1)
    classes = logits.shape[1]
    flat = probabilities.transpose(0, 1).reshape(classes, -1)
    truth = labels.reshape(1, -1) == torch.arange(classes, device=labels.device)[:, None]
    shared = (flat * truth).sum(1)
    scores = (2 * shared + 1) / (flat.sum(1) + truth.sum(1) + 1)
    return 1 - scores[1:].mean()
