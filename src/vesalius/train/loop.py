"""The training loop on Lightning Fabric: one process or several, any precision, exact when resumed."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from vesalius.errors import TrainingError, UsageError
from vesalius.train.batches import Batch, Sampler
from vesalius.train.checkpoint import Checkpoint, State, optimiser_tensors, restore_optimiser, save
from vesalius.train.corrupt import corrupted
from vesalius.train.judge import Judge
from vesalius.train.logs import Logs
from vesalius.train.optimise import MovingAverage, make_optimiser, set_learning_rate
from vesalius.train.recipe import Recipe
from vesalius.train.watch import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable

    from lightning_fabric import Fabric
    from torch import Tensor, nn

    Criterion = Callable[[Tensor | tuple[Tensor, ...], Tensor], Tensor]

CHECKPOINT = "checkpoint.safetensors"


@dataclass(frozen=True, eq=False)
class Parts:
    """What the loop works with: the network, its parameter groups, where batches come from, the loss and the score."""

    network: nn.Module
    groups: list[dict[str, Any]]
    sampler: Sampler
    criterion: Criterion
    judge: Judge


class Loop:
    """Trains ``parts.network`` by ``recipe``; all that outlives the process goes into ``folder``."""

    def __init__(self, fabric: Fabric, recipe: Recipe, parts: Parts, folder: Path, watcher: Watcher) -> None:
        training = recipe.training
        if training.batch % (fabric.world_size * training.accumulate):
            raise UsageError(
                f"a batch of {training.batch} cannot be divided among {fabric.world_size} process(es) in "
                f"{training.accumulate} part(s) each; change training.batch or --devices"
            )
        self.parts, self.device = parts, fabric.device
        self._fabric, self._recipe, self._folder, self._watcher = fabric, recipe, folder, watcher
        optimiser = make_optimiser(parts.groups, training)
        self._bare = parts.network
        self._network, self._optimiser = fabric.setup(parts.network, optimiser)
        self._average = MovingAverage(self._bare, training.ema)
        self._shadow = copy.deepcopy(self._bare).eval()
        self._best: dict[str, Tensor] = {}
        self.state = State(recipe=recipe.model_dump(mode="json"))

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on where ``checkpoint`` was written."""
        self._bare.load_state_dict(checkpoint.parts["network"])
        self._average.load(checkpoint.parts["average"])
        restore_optimiser(self._optimiser, checkpoint.parts.get("optimiser", {}))
        self._best = checkpoint.parts.get("best", {})
        self.state = checkpoint.state
        if self.state.precision:
            self._fabric.strategy.precision.load_state_dict(self.state.precision)

    def run(self) -> nn.Module:
        """Train to the end and return the network to ship: the best one with early stopping, else the last average.

        Raises:
            TrainingError: the loss is not a number; the last checkpoint is kept.
            NotEnoughDiskError: a checkpoint could not be written; the one before is kept.
        """
        training, state = self._recipe.training, self.state
        logs = Logs(self._folder, state.step) if self._fabric.is_global_zero else None
        self._watcher.started(state.step, training.steps)
        try:
            while state.step < training.steps and not self._waited_enough():
                self._advance(logs)
        finally:
            if logs is not None:
                logs.close()
        return self._finished()

    def _advance(self, logs: Logs | None) -> None:
        """One step, and what is due after it."""
        training, state = self._recipe.training, self.state
        start = time.perf_counter()
        rate = set_learning_rate(self._optimiser, self._recipe, state.step)
        loss = self._step()
        self._average.update(self._bare, state.step)
        state.step += 1
        state.seconds += time.perf_counter() - start
        if logs is not None:
            logs.loss(state.step, loss, rate, state.seconds)
        self._watcher.stepped(state.step, loss)
        last = state.step == training.steps
        if last or state.step % training.validate_every == 0:
            self._score(logs)
        if last or state.step % training.checkpoint_every == 0:
            self._save()

    def _step(self) -> float:
        """Forward, backward and update on one batch; the mean loss of all processes."""
        fabric, step = self._fabric, self.state.step
        torch.manual_seed(_seed(self._recipe.seed, step, fabric.global_rank))  # of dropout and of what is masked
        batch = self.parts.sampler.draw(step, fabric.global_rank, fabric.world_size, fabric.device)
        pieces = _pieces(corrupted(batch, self._recipe), self._recipe.training.accumulate)
        total = torch.zeros((), device=fabric.device)
        for number, (images, target) in enumerate(pieces, start=1):
            with fabric.no_backward_sync(self._network, enabled=number < len(pieces)):
                loss = self.parts.criterion(self._network(images), target) / len(pieces)
                fabric.backward(loss)
            total += loss.detach()
        mean = self._finite(total, batch)
        clip = self._recipe.training.clip
        fabric.clip_gradients(self._network, self._optimiser, max_norm=clip, error_if_nonfinite=False)
        self._optimiser.step()
        self._optimiser.zero_grad()
        return mean

    def _finite(self, loss: Tensor, batch: Batch) -> float:
        """The mean over the processes, which all stop when one of them has no number."""
        mean = float(self._fabric.all_reduce(loss, reduce_op="mean"))
        if not math.isfinite(mean):
            step, names = self.state.step + 1, ", ".join(batch.names[:8])
            raise TrainingError(
                f"the loss of step {step} is {mean}; the batch was {names}. The checkpoint before it is kept: look for "
                "broken values in these cases, or lower training.learning_rate"
            )
        return mean

    def _score(self, logs: Logs | None) -> None:
        """Validate the average on the first process and keep it if it is the best."""
        state = self.state
        if self._fabric.is_global_zero:
            self._shadow.load_state_dict(self._average.tensors)
            score = self.parts.judge.score(self._shadow)
            value = score.value
            if logs is not None:
                logs.score(state.step, score)
            self._watcher.scored(state.step, score)
        else:
            value = 0.0
        value = float(self._fabric.broadcast(value))
        better = state.best_score is None or value > state.best_score
        state.waited = 0 if better else state.waited + 1
        if better:
            state.best_score, state.best_step = value, state.step
            if self._recipe.training.patience is not None:
                self._best = {key: tensor.clone() for key, tensor in self._average.tensors.items()}

    def _save(self) -> None:
        """Write the checkpoint, on the first process."""
        if self._fabric.is_global_zero:
            self.state.precision = dict(self._fabric.strategy.precision.state_dict())
            parts = {
                "network": dict(self._bare.state_dict()),
                "average": self._average.tensors,
                "optimiser": optimiser_tensors(self._optimiser),
                "best": self._best,
            }
            save(Checkpoint(parts, self.state), self._folder / CHECKPOINT)
        self._fabric.barrier()

    def _waited_enough(self) -> bool:
        patience = self._recipe.training.patience
        return patience is not None and self.state.waited >= patience

    def _finished(self) -> nn.Module:
        self._shadow.load_state_dict(self._best or self._average.tensors)
        return self._shadow


def _pieces(batch: Batch, count: int) -> list[tuple[Tensor, Tensor]]:
    if batch.target is None:
        raise TrainingError("the task gives this batch no target")
    return list(zip(batch.images.chunk(count), batch.target.chunk(count), strict=True))


def _seed(*key: int) -> int:
    import numpy as np

    return int(np.random.default_rng(key).integers(2**62))
