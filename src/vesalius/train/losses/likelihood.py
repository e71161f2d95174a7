"""Losses of each voxel or picture by itself."""

from __future__ import annotations

import torch.nn.functional as F  # noqa: N812 -- as everywhere in the field
from torch import Tensor

_FOCUS = 2.0


def cross_entropy(logits: Tensor, labels: Tensor, class_weights: Tensor | None = None) -> Tensor:
    """Mean of -log p of the true label; weighted, by the weights of the true labels."""
    return F.cross_entropy(logits, labels, class_weights)


def focal_loss(logits: Tensor, labels: Tensor, class_weights: Tensor | None = None) -> Tensor:
    """Cross entropy in which a voxel counts (1 - p)², so that easy ones matter less (Lin 2017, γ = 2)."""
    losses = F.cross_entropy(logits, labels, reduction="none")
    focus = (1 - (-losses).exp()).pow(_FOCUS)
    if class_weights is None:
        return (focus * losses).mean()
    weights = class_weights[labels]
    return (weights * focus * losses).sum() / weights.sum()
