"""Losses of each voxel or picture by itself."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F  # noqa: N812 -- as everywhere in the field
from torch import Tensor

_FOCUS = 2.0


def cross_entropy(logits: Tensor, labels: Tensor, class_weights: Sequence[float] | None = None) -> Tensor:
    """Mean of -log p of the true label; logits (N, L, …), labels (N, …). With weights, those of the true labels."""
    return F.cross_entropy(logits, labels, None if class_weights is None else logits.new_tensor(class_weights))


def focal_loss(logits: Tensor, labels: Tensor, class_weights: Sequence[float] | None = None) -> Tensor:
    """Cross entropy in which a voxel counts (1 - p)², so that easy ones matter less (Lin 2017, its gamma is 2)."""
    losses = F.cross_entropy(logits, labels, reduction="none")
    focused = (1 - (-losses).exp()).pow(_FOCUS) * losses
    if class_weights is None:
        return focused.mean()
    weights = logits.new_tensor(class_weights)[labels]
    return (weights * focused).sum() / weights.sum()
