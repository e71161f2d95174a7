"""The recipe's loss: its terms summed, over all outputs of a deeply supervised network."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F  # noqa: N812 -- as everywhere in the field
from torch import Tensor

from vesalius.train.losses.boundary import Spacing, boundary_loss
from vesalius.train.losses.likelihood import cross_entropy, focal_loss
from vesalius.train.losses.overlap import dice_loss
from vesalius.train.losses.topology import centreline_dice_loss
from vesalius.train.recipe import Loss

Needs = tuple[str, ...]

#: name → the function, and the names of what it needs beside scores and truth
TERMS: Mapping[str, tuple[Callable[..., Tensor], Needs]] = {
    "boundary": (boundary_loss, ("spacing",)),
    "cldice": (centreline_dice_loss, ()),
    "cross-entropy": (cross_entropy, ("class_weights",)),
    "dice": (dice_loss, ()),
    "focal": (focal_loss, ("class_weights",)),
    "mse": (F.mse_loss, ()),
}


def build_loss(loss: Loss, spacing: Spacing) -> Callable[[Tensor | tuple[Tensor, ...], Tensor], Tensor]:
    """The function of scores, one tensor or several from fine to coarse, and truth; ``spacing`` is the finest's, in mm.

    The truth of a coarser output is the nearest voxel's, and each output counts half as much as the next finer one
    (Isensee 2021), all together as much as one. Everything is computed in float32.
    """

    def total(outputs: Tensor | tuple[Tensor, ...], truth: Tensor) -> Tensor:
        several = outputs if isinstance(outputs, tuple) else (outputs,)
        shares = [0.5**level for level in range(len(several))]
        parts = []
        for scores, share in zip(several, shares, strict=True):
            stretched = _stretched(spacing, several[0], scores)
            parts.append(share / sum(shares) * _terms(loss, scores.float(), _at_size(truth, scores), stretched))
        return torch.stack(parts).sum()

    return total


def _terms(loss: Loss, scores: Tensor, truth: Tensor, spacing: Spacing) -> Tensor:
    known = {"spacing": spacing, "class_weights": loss.class_weights}
    out = scores.new_zeros(())
    for name, weight in loss.terms.items():
        function, needs = TERMS[name]
        out = out + weight * function(scores, truth, **{need: known[need] for need in needs})
    return out


def _at_size(truth: Tensor, scores: Tensor) -> Tensor:
    """An image as it is; classes (N,) and labels (N, …) as int64, and on the grid of ``scores``."""
    if truth.is_floating_point():
        return truth
    if truth.ndim == 1 or truth.shape[1:] == scores.shape[2:]:
        return truth.long()
    return F.interpolate(truth[:, None].float(), size=scores.shape[2:], mode="nearest-exact")[:, 0].long()


def _stretched(spacing: Spacing, fine: Tensor, coarse: Tensor) -> Spacing:
    """The spacing of ``coarse``, which spans as many millimetres as ``fine``; scores of pictures (N, L) span none."""
    if fine.shape == coarse.shape:
        return spacing
    i, j, k = (mm * n / m for mm, n, m in zip(spacing, fine.shape[2:], coarse.shape[2:], strict=True))
    return i, j, k
