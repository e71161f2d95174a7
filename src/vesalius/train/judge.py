"""Scores a network on the validation cases, and settles what the finished model needs beside its weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from vesalius.engine.progress import Progress
from vesalius.errors import DatasetError
from vesalius.measure.calibration import best_threshold, fit_temperature
from vesalius.measure.overlap import dice
from vesalius.measure.ranking import auroc
from vesalius.models.spec import Decision
from vesalius.results import Labelmap
from vesalius.tasks.classify import classify
from vesalius.tasks.segment import segment
from vesalius.train.batches import Sampler
from vesalius.train.corrupt import corrupted
from vesalius.train.data import Case
from vesalius.train.live import LiveSession
from vesalius.train.recipe import Recipe
from vesalius.train.watch import Score

if TYPE_CHECKING:
    from torch import nn

    Opened = Callable[[nn.Module], LiveSession]

Floats = NDArray[np.float64]
_BATCHES = 8


class Judge(Protocol):
    """Scores a network; a higher score is a better one."""

    def score(self, network: nn.Module) -> Score:
        """The score on the validation cases."""

    def verdict(self, network: nn.Module) -> tuple[Score, Decision | None]:
        """The finished network's score, and how what it gives is to be read; the score is of what is so read."""


@dataclass(frozen=True)
class SegmentationJudge:
    """Each label's Dice on the scan's own grid, averaged over the cases that have it or were given it.

    ``labels`` are those that are measured, by value.
    """

    opened: Opened
    cases: Sequence[Case]
    labels: Mapping[int, str]

    def score(self, network: nn.Module) -> Score:
        """The labels' mean Dice, and each label's."""
        session = self.opened(network)
        found: dict[str, list[float]] = {name: [] for name in self.labels.values()}
        for case in self.cases:
            labels, truth = segment(session, case.volume(), Progress()).labelmap.voxels, _truth(case).voxels
            for value, name in self.labels.items():
                if (truth == value).any() or (labels == value).any():
                    found[name].append(dice(labels, truth, value))
        means = {name: float(np.mean(values)) for name, values in found.items()}
        return Score("dice", float(np.mean(list(means.values()))), means)

    def verdict(self, network: nn.Module) -> tuple[Score, Decision | None]:
        """The score; the largest probability wins, or what the recipe says after it."""
        return self.score(network), None


@dataclass(frozen=True)
class ClassificationJudge:
    """AUROC, of two classes or averaged over one class against the others, and accuracy."""

    opened: Opened
    cases: Sequence[Case]

    def score(self, network: nn.Module) -> Score:
        """AUROC, and accuracy of the most probable class."""
        scores, targets = self._scores(network)
        return _ranked(scores, targets, scores.argmax(1))

    def verdict(self, network: nn.Module) -> tuple[Score, Decision | None]:
        """The temperature fitted to the validation cases, and of two classes Youden's threshold for the second."""
        scores, targets = self._scores(network)
        temperature = round(fit_temperature(scores, targets), 4)
        if scores.shape[1] != 2:
            return _ranked(scores, targets, scores.argmax(1)), Decision(temperature=temperature)
        likely = 1 / (1 + np.exp(-_odds(scores / temperature, 1)))
        threshold = min(max(best_threshold(likely, targets == 1), 1e-6), 1 - 1e-6)
        label = self.opened(network).spec.labels[1].name
        score = _ranked(scores, targets, (likely >= threshold).astype(np.int64))
        return score, Decision(temperature=temperature, label=label, threshold=threshold)

    def _scores(self, network: nn.Module) -> tuple[Floats, NDArray[np.int64]]:
        """Scores before softmax (N, L) and true classes (N)."""
        session = self.opened(network)
        scores = [classify(session, case.volume(), Progress()).run.scores for case in self.cases]
        return np.array(scores, np.float64), np.array([case.target for case in self.cases], np.int64)


def _ranked(scores: Floats, targets: NDArray[np.int64], answers: NDArray[np.int64]) -> Score:
    """AUROC of ``scores`` (N, L), and accuracy of ``answers`` (N)."""
    classes = (1,) if scores.shape[1] == 2 else range(scores.shape[1])
    areas = [auroc(_odds(scores, value), targets == value) for value in classes]
    accuracy = float((answers == targets).mean())
    return Score("auroc", float(np.mean([area for area in areas if area is not None])), {"accuracy": accuracy})


@dataclass(frozen=True)
class ReconstructionJudge:
    """Minus the mean squared error on patches of the validation cases, the same ones every time."""

    sampler: Sampler
    recipe: Recipe

    def score(self, network: nn.Module) -> Score:
        """Minus the error, so that more is better."""
        device = next(network.parameters()).device
        errors = []
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(0)
            for number in range(_BATCHES):
                batch = corrupted(self.sampler.draw(number, 0, 1, device), self.recipe)
                errors.append(float((network(batch.images) - batch.target).square().mean()))
        return Score("minus mse", -float(np.mean(errors)), {})

    def verdict(self, network: nn.Module) -> tuple[Score, Decision | None]:
        """The score; there is nothing to decide."""
        return self.score(network), None


def labels_of(cases: Sequence[Case], recipe: Recipe) -> dict[int, str]:
    """The recipe's labels that occur in the cases to validate on, by value; every label image is read.

    Raises:
        DatasetError: one lies on another grid than its image, or none of the labels occurs.
    """
    found = {int(value) for case in cases for value in np.unique(_truth(case).voxels)}
    labels = {value: label.name for value, label in recipe.labels.items() if value in found}
    if not labels:
        raise DatasetError(
            f"none of the {len(cases)} cases to validate on has a label of the recipe; see: vesalius data check"
        )
    return labels


def _truth(case: Case) -> Labelmap:
    labels = case.labelmap()
    if labels is None:
        raise DatasetError(f"the case {case.name} has no labels to validate by; see: vesalius data check")
    return labels


def _odds(scores: Floats, value: int) -> Floats:
    """The logarithm of the odds of class ``value``: it ranks as the probability does, and never saturates."""
    others = np.delete(scores, value, axis=1)
    highest = others.max(1)
    odds: Floats = scores[:, value] - highest - np.log(np.exp(others - highest[:, None]).sum(1))
    return odds
