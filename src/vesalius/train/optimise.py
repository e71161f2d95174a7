"""The optimiser, the course of its learning rate, and the moving average of the weights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from vesalius.train.recipe import Recipe, Training

if TYPE_CHECKING:
    from torch import Tensor, nn


def make_optimiser(groups: list[dict[str, Any]], training: Training) -> torch.optim.Optimizer:
    """AdamW (Loshchilov 2019) or SGD with Nesterov's momentum.

    A group says its ``params``, its ``share`` of the learning rate, and whether it was ``brought`` from another model.
    Norms and biases are not decayed.
    """
    split = [part for group in groups for part in _by_decay(group, training)]
    if training.optimiser == "sgd":
        return torch.optim.SGD(split, training.learning_rate, momentum=0.99, nesterov=True)
    return torch.optim.AdamW(split, training.learning_rate)


def set_learning_rate(optimiser: torch.optim.Optimizer, recipe: Recipe, step: int) -> float:
    """Give each group its rate for ``step``: a linear rise over the warm-up, then half a cosine down to 0.

    What was brought from another model rests, at a rate of 0, for the recipe's first ``freeze_steps``.

    Returns:
        The rate of a group with the share 1.
    """
    training = recipe.training
    rise = min(1.0, (step + 1) / max(1, training.warmup))
    fall = 0.5 * (1 + math.cos(math.pi * step / training.steps))
    rate = training.learning_rate * rise * fall
    frozen = step < recipe.network.freeze_steps
    for group in optimiser.param_groups:
        group["lr"] = 0.0 if frozen and group["brought"] else rate * group["share"]
    return rate


class MovingAverage:
    """The exponential moving average of a network's floating-point tensors (Polyak 1992), in float32.

    Early on the decay is smaller, so that the random start is forgotten.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._decay = decay
        self.tensors = {key: tensor.detach().clone() for key, tensor in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after ``step``."""
        share = 1 - min(self._decay, (1 + step) / (10 + step))
        now = network.state_dict()
        floats = [key for key, tensor in self.tensors.items() if tensor.is_floating_point()]
        torch._foreach_lerp_([self.tensors[key] for key in floats], [now[key] for key in floats], share)
        for key in self.tensors.keys() - set(floats):
            self.tensors[key].copy_(now[key])

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Go on from a checkpoint's average."""
        for key, tensor in self.tensors.items():
            tensor.copy_(tensors[key])


def _by_decay(group: dict[str, Any], training: Training) -> list[dict[str, Any]]:
    matrices = [parameter for parameter in group["params"] if parameter.ndim > 1]
    vectors = [parameter for parameter in group["params"] if parameter.ndim <= 1]
    parts = ((matrices, training.weight_decay), (vectors, 0.0))
    return [{**group, "params": own, "weight_decay": decay} for own, decay in parts if own]
