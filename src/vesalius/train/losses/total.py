"""The recipe's loss: its terms summed, over all outputs of a deeply supervised network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812 -- as everywhere in the field
from torch import Tensor

from vesalius.train.losses.boundary import boundary_loss
from vesalius.train.losses.likelihood import cross_entropy, focal_loss
from vesalius.train.losses.overlap import dice_loss
from vesalius.train.losses.topology import centreline_dice_loss
from vesalius.train.recipe import Loss

Term = Callable[[Tensor, Tensor], Tensor]
Needs = Literal["class weights", "spacing", ""]

#: name → the function and what it needs beside scores and truth
TERMS: Mapping[str, tuple[Callable[..., Tensor], Needs]] = {
    "boundary": (boundary_loss, "spacing"),
    "cldice": (centreline_dice_loss, ""),
    "cross-entropy": (cross_entropy, "class weights"),
    "dice": (dice_loss, ""),
    "focal": (focal_loss, "class weights"),
    "mse": (F.mse_loss, ""),
}


def build_loss(
    loss: Loss, spacing: tuple[float, float, float]
) -> Callable[[Tensor | tuple[Tensor, ...], Tensor], Tensor]:
    """The function of scores, one tensor or several from fine to coarse, and truth.

    The truth of a coarser output is the nearest voxel's, and each output counts half as much as the next finer one
    (Isensee 2021), all together as much as one. Everything is computed in float32.
    """
    terms = [(weight, _bound(name, loss, spacing)) for name, weight in loss.terms.items()]

    def total(outputs: Tensor | tuple[Tensor, ...], truth: Tensor) -> Tensor:
        several = outputs if isinstance(outputs, tuple) else (outputs,)
        weights = [0.5**level for level in range(len(several))]
        parts = []
        for scores, weight in zip(several, weights, strict=True):
            there = truth if truth.is_floating_point() else _at_size(truth, scores).long()
            parts.append(sum(own * term(scores.float(), there) for own, term in terms) * (weight / sum(weights)))
        return torch.stack([torch.as_tensor(part) for part in parts]).sum()

    return total


def _bound(name: str, loss: Loss, spacing: tuple[float, float, float]) -> Term:
    function, needs = TERMS[name]
    if needs == "spacing":
        return partial(function, spacing=spacing)
    if needs == "class weights" and loss.class_weights is not None:
        return partial(function, class_weights=torch.tensor(loss.class_weights))
    return function


def _at_size(labels: Tensor, scores: Tensor) -> Tensor:
    size = scores.shape[2:]
    if labels.ndim == 1 or labels.shape[1:] == size:
        return labels
    return F.interpolate(labels[:, None].float(), size=size, mode="nearest")[:, 0]
