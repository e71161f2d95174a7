"""The training loop on Lightning Fabric: one process or several, any precision, exact when resumed."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from vesalius.errors import CancelledError, UsageError
from vesalius.train.batches import Sampler
from vesalius.train.checkpoint import Checkpoint, State, optimiser_tensors, restore_optimiser, save
from vesalius.train.judge import Judge
from vesalius.train.logs import Logs
from vesalius.train.optimise import MovingAverage, make_optimiser, set_learning_rate
from vesalius.train.place import CHECKPOINT
from vesalius.train.recipe import Recipe
from vesalius.train.update import Updater
from vesalius.train.watch import Watcher

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from torch import Tensor, nn

    from vesalius.train.update import Criterion


@dataclass(frozen=True, eq=False)
class Parts:
    """What the loop works with: the network, its parameter groups, where batches come from, the loss and the score."""

    network: nn.Module
    groups: list[dict[str, Any]]
    sampler: Sampler
    criterion: Criterion
    judge: Judge


class Loop:
    """Trains ``parts.network`` by ``recipe`` on from ``state``; all that outlives the process goes into ``folder``.

    Raises:
        UsageError: the batch cannot be divided among the processes.
    """

    def __init__(
        self, fabric: Fabric, recipe: Recipe, parts: Parts, folder: Path, watcher: Watcher, state: State
    ) -> None:
        training = recipe.training
        if training.batch % (fabric.world_size * training.accumulate):
            raise UsageError(
                f"a batch of {training.batch} cannot be divided among {fabric.world_size} process(es) in "
                f"{training.accumulate} part(s) each; change training.batch or --devices"
            )
        self.recipe, self.parts, self.device, self.state = recipe, parts, fabric.device, state
        self._fabric, self._folder, self._watcher = fabric, folder, watcher
        self._bare = parts.network
        network, self._optimiser = fabric.setup(parts.network, make_optimiser(parts.groups, training))
        self._updater = Updater(fabric, recipe, parts.sampler, parts.criterion, network, self._optimiser)
        self._average = MovingAverage(self._bare, training.ema)
        self._shadow = copy.deepcopy(self._bare).eval()
        self._best: dict[str, Tensor] = {}

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
            CancelledError: the watcher wanted it to stop; the checkpoint of the last step is written.
        """
        logs = Logs(self._folder, self.state.step) if self._fabric.is_global_zero else None
        self._watcher.started(self.state.step, self.recipe.training.steps)
        try:
            while not has_ended(self.state, self.recipe):
                self._advance(logs)
        finally:
            if logs is not None:
                logs.close()
        self._shadow.load_state_dict(self._best or self._average.tensors)
        return self._shadow

    def _advance(self, logs: Logs | None) -> None:
        """One step, and what is due after it."""
        training, state = self.recipe.training, self.state
        start = time.perf_counter()
        rate = set_learning_rate(self._optimiser, self.recipe, state.step)
        loss = self._updater.update(state.step)
        self._average.update(self._bare, state.step)
        state.step += 1
        state.seconds += time.perf_counter() - start
        if logs is not None:
            logs.loss(state.step, loss, rate, state.seconds)
        stopping = self._is_stopped(loss)
        if state.step == training.steps or state.step % training.validate_every == 0:
            self._score(logs)
        ended = has_ended(state, self.recipe)
        if ended or stopping or state.step % training.checkpoint_every == 0:
            self._save()
        if stopping and not ended:
            raise CancelledError(
                f"stopped after step {state.step} of {training.steps}; run it again to go on from there"
            )

    def _is_stopped(self, loss: float) -> bool:
        """Tell the watcher, and whether that of any process wants to stop."""
        wish = torch.zeros((), device=self.device)
        try:
            self._watcher.stepped(self.state.step, loss)
        except CancelledError:
            wish += 1
        return bool(torch.as_tensor(self._fabric.all_reduce(wish, reduce_op="sum")))

    def _score(self, logs: Logs | None) -> None:
        """Validate the average on the first process and keep it if it is the best."""
        state, value = self.state, 0.0
        if logs is not None:
            self._shadow.load_state_dict(self._average.tensors)
            score = self.parts.judge.score(self._shadow)
            value = score.value
            logs.score(state.step, score)
            self._watcher.scored(state.step, score)
        value = float(self._fabric.broadcast(value))
        better = state.best_score is None or value > state.best_score
        state.waited = 0 if better else state.waited + 1
        if better:
            state.best_score, state.best_step = value, state.step
            if self.recipe.training.patience is not None:
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


def has_ended(state: State, recipe: Recipe) -> bool:
    """Whether all steps are done, or the score has not risen for as long as the recipe waits."""
    training = recipe.training
    return state.step >= training.steps or (training.patience is not None and state.waited >= training.patience)
