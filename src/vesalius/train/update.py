"""One step of training: forward, backward and update on the batch of that step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from vesalius.errors import TrainingError
from vesalius.train.batches import Batch, Sampler
from vesalius.train.corrupt import corrupted
from vesalius.train.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from lightning_fabric import Fabric
    from torch import Tensor

    Criterion = Callable[[Tensor | tuple[Tensor, ...], Tensor], Tensor]

_NAMED = 8


@dataclass(frozen=True, eq=False)
class Updater:
    """Changes ``network``, as Fabric has set it up, by ``optimiser``; what a step does hangs on its number alone."""

    fabric: Fabric
    recipe: Recipe
    sampler: Sampler
    criterion: Criterion
    network: Any  # a private type of Fabric's, as the optimiser
    optimiser: Any

    def update(self, step: int) -> float:
        """The mean loss of all processes before the update.

        Raises:
            TrainingError: it, or a gradient, is not a number; the weights are as they were.
        """
        fabric, training = self.fabric, self.recipe.training
        torch.manual_seed(_seed(self.recipe.seed, step, fabric.global_rank))  # of dropout and of what is masked
        batch = self.sampler.draw(step, fabric.global_rank, fabric.world_size, fabric.device)
        mean = float(torch.as_tensor(fabric.all_reduce(self._backward(batch), reduce_op="mean")))
        self._require_finite("loss", mean, step)
        norm = fabric.clip_gradients(self.network, self.optimiser, max_norm=training.clip, error_if_nonfinite=False)
        if training.precision != "16-mixed":  # there the scaler leaves out such a step and tries a smaller scale
            self._require_finite("gradient", float(torch.as_tensor(norm)), step)
        self.optimiser.step()
        self.optimiser.zero_grad()
        return mean

    def _backward(self, batch: Batch) -> Tensor:
        """Gradients of the batch, part by part; its loss."""
        pieces = _pieces(corrupted(batch, self.recipe), self.recipe.training.accumulate)
        total = torch.zeros((), device=self.fabric.device)
        for number, (images, target) in enumerate(pieces, start=1):
            with self.fabric.no_backward_sync(self.network, enabled=number < len(pieces)):
                loss = self.criterion(self.network(images), target) / len(pieces)
                self.fabric.backward(loss)
            total += loss.detach()
        return total

    def _require_finite(self, what: str, value: float, step: int) -> None:
        """The value is that of all processes, so that they all stop."""
        if math.isfinite(value):
            return
        names = self.sampler.names(step)
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        raise TrainingError(
            f"the {what} of step {step + 1} is {value}; the batch was {', '.join(names[:_NAMED])}{more}. The "
            "checkpoint before it is kept: mend these cases and run again to go on from it, or lower "
            "training.learning_rate and train into another --out"
        )


def _pieces(batch: Batch, count: int) -> list[tuple[Tensor, Tensor]]:
    if batch.target is None:
        raise TrainingError("the cases have neither labels nor a class to learn from; see: vesalius data check")
    return list(zip(batch.images.chunk(count), batch.target.chunk(count), strict=True))


def _seed(*key: int) -> int:
    return int(np.random.default_rng(key).integers(2**62))
