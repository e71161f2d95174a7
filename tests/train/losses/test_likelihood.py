"""Cross entropy and focal loss against closed forms and MONAI."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.losses import FocalLoss
from scipy.special import log_softmax

from vesalius.train.losses.likelihood import cross_entropy, focal_loss

GENERATOR = torch.Generator().manual_seed(0)
LOGITS, LABELS = torch.randn(3, 4, 5, 6, 2, generator=GENERATOR), torch.randint(0, 4, (3, 5, 6, 2), generator=GENERATOR)
WEIGHTS = (0.2, 1.0, 3.0, 0.5)


def _log_likelihoods() -> np.ndarray:
    logs = log_softmax(LOGITS.double().numpy(), axis=1)
    return np.take_along_axis(logs, LABELS.numpy()[:, None], 1)[:, 0]


def test_cross_entropy_is_its_formula() -> None:
    assert cross_entropy(LOGITS, LABELS).item() == pytest.approx(-_log_likelihoods().mean(), rel=1e-5)


def test_weights_are_those_of_the_true_labels() -> None:
    weights, logs = np.array(WEIGHTS)[LABELS.numpy()], _log_likelihoods()

    assert cross_entropy(LOGITS, LABELS, WEIGHTS).item() == pytest.approx(-np.average(logs, weights=weights), rel=1e-5)
    focused = (1 - np.exp(logs)) ** 2 * logs
    assert focal_loss(LOGITS, LABELS, WEIGHTS).item() == pytest.approx(-np.average(focused, weights=weights), rel=1e-5)


def test_focal_loss_is_monais_summed_over_the_classes() -> None:
    reference = FocalLoss(gamma=2.0, use_softmax=True, to_onehot_y=True, reduction="sum")

    expected = reference(LOGITS, LABELS[:, None]).item() / len(LOGITS)  # of each sample's and class's mean

    assert focal_loss(LOGITS, LABELS).item() == pytest.approx(expected, rel=1e-5)


def test_pictures_of_one_class_each_are_taken_too() -> None:
    logits, classes = torch.tensor([[0.0, 0.0], [1.0, -1.0]]), torch.tensor([0, 1])

    expected = (np.log(2) + np.log1p(np.exp(2))) / 2

    assert cross_entropy(logits, classes).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("weights", [None, (0.5, 2.0, 1.0)])
@pytest.mark.parametrize("loss", [cross_entropy, focal_loss])
def test_gradients_are_those_of_finite_differences(loss: object, weights: tuple[float, ...] | None) -> None:
    assert callable(loss)
    logits = torch.randn(2, 3, 2, 2, 1, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(0, 3, (2, 2, 2, 1))

    assert torch.autograd.gradcheck(lambda x: loss(x, labels, weights), logits)
