"""The boundary loss against SciPy's distance transform."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_erosion, distance_transform_edt, gaussian_filter
from scipy.special import softmax
from torch import Tensor

from vesalius.train.losses.boundary import boundary_loss

SPACING = (1.0, 0.5, 3.0)


@pytest.mark.parametrize("size", [(12, 14, 10), (16, 20, 1)])
def test_it_is_the_mean_of_probability_times_signed_distance_in_mm(size: tuple[int, int, int]) -> None:
    labels, logits = _labels(size), torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1))
    chances = softmax(logits.double().numpy(), axis=1)

    expected = [
        (chances[sample, value] * _signed_distance((labels[sample] == value).numpy())).mean()
        for sample in range(2)
        for value in (1, 2)
    ]

    assert boundary_loss(logits, labels, SPACING).item() == pytest.approx(np.mean(expected), rel=1e-4)


def test_the_truth_costs_less_than_anything_else() -> None:
    labels = _labels((12, 14, 10))

    def cost(found: Tensor) -> float:
        return boundary_loss(torch.nn.functional.one_hot(found, 3).movedim(-1, 1) * 50.0, labels, SPACING).item()

    assert cost(labels) < 0
    assert cost(labels) < min(cost(labels.roll(shift, axis)) for shift in (-2, 2) for axis in (1, 2, 3))
    assert cost(labels) < cost(torch.zeros_like(labels))


@pytest.mark.parametrize("value", [0, 1])
def test_a_label_that_is_nowhere_or_everywhere_costs_nothing(value: int) -> None:
    labels = torch.full((1, 4, 4, 4), value)

    assert boundary_loss(torch.randn(1, 2, 4, 4, 4), labels, SPACING).item() == 0


def test_its_gradient_is_that_of_finite_differences() -> None:
    logits = torch.randn(1, 3, 3, 1, 1, dtype=torch.float64, requires_grad=True)
    labels = torch.arange(3).reshape(1, 3, 1, 1)

    assert torch.autograd.gradcheck(lambda x: boundary_loss(x, labels, SPACING), logits)


def _labels(size: tuple[int, int, int]) -> Tensor:
    noise = np.random.default_rng(0).normal(size=(2, *size))
    smooth = gaussian_filter(noise, (0, 2, 2, 2 if size[2] > 1 else 0))
    smooth /= smooth.std()
    return torch.from_numpy((smooth > 0.3).astype(np.int64) + (smooth > 1.3))


def _signed_distance(mask: np.ndarray) -> np.ndarray:
    """To the voxels of the mask that touch, at least with a corner, one that is not of it."""
    touching = np.ones((3, 3, 3 if mask.shape[2] > 1 else 1))
    outermost = mask & ~binary_erosion(mask, touching, border_value=1)
    distance = distance_transform_edt(~outermost, sampling=SPACING)
    return np.where(mask, -distance, distance)
