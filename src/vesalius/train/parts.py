"""Puts together what the loop works with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from vesalius.engine.progress import Progress
from vesalius.train.batches import Sampler, Sampling
from vesalius.train.data import Division
from vesalius.train.export import model_spec
from vesalius.train.judge import ClassificationJudge, Judge, ReconstructionJudge, SegmentationJudge, labels_of
from vesalius.train.live import LiveBackend, LiveSession
from vesalius.train.loop import Parts
from vesalius.train.losses import build_loss
from vesalius.train.network import make_network
from vesalius.train.place import PREPARED, PREPARED_VALIDATION
from vesalius.train.prepare import prepare_all
from vesalius.train.recipe import Recipe
from vesalius.transforms.augment.chain import Chain
from vesalius.volume import Shape

if TYPE_CHECKING:
    from torch import nn

_TURNING = frozenset({"affine", "elastic", "crop"})
_MARGIN = 0.15


def make_parts(
    recipe: Recipe, beside: Path, division: Division, folder: Path, device: torch.device, progress: Progress
) -> Parts:
    """Network, batches, loss and validation for ``recipe``; large cases are prepared in ``folder``.

    Raises:
        DatasetError: a case cannot be used.
        RecipeError: the network cannot start from what the recipe names.
        ModelFolderError: the network does not take its arguments.
        NotEnoughDiskError: there is no room for the prepared cases.
    """
    network, groups = make_network(recipe, beside)
    training = prepare_all(division.training, recipe, folder / PREPARED, progress)
    sampler = Sampler(training, _sampling(recipe), Chain(recipe.augment))
    criterion = build_loss(recipe.loss, training[0].spacing)
    judge = _judge(recipe, division, folder, device, progress)
    return Parts(network, groups, sampler, criterion, judge)


def _sampling(recipe: Recipe) -> Sampling:
    training = recipe.training
    turning = any(augmentation.kind in _TURNING for augmentation in recipe.augment)
    sliding = recipe.data.grid.kind == "sliding"
    margin = _MARGIN if turning and sliding else 0.0
    return Sampling(recipe.seed, training.batch, _patch(recipe), margin, training.foreground, training.balance)


def _patch(recipe: Recipe) -> Shape:
    grid = recipe.data.grid
    return grid.size if grid.kind == "whole" else grid.patch


def _judge(recipe: Recipe, division: Division, folder: Path, device: torch.device, progress: Progress) -> Judge:
    """What scores the network; it runs on the first process only."""
    if recipe.task == "reconstruct":
        cases = prepare_all(division.validation, recipe, folder / PREPARED_VALIDATION, progress)
        return ReconstructionJudge(Sampler(cases, _sampling(recipe), Chain(())), recipe)
    spec = model_spec(recipe)
    reduced = recipe.training.precision != "32-true"
    classes = len(recipe.labels) + (recipe.task == "segment")

    def session(network: nn.Module) -> LiveSession:
        return LiveSession(spec, LiveBackend(network, classes, device, reduced))

    if recipe.task == "classify":
        return ClassificationJudge(session, division.validation)
    return SegmentationJudge(session, division.validation, labels_of(division.validation, recipe))
