"""Soft Dice against MONAI's and closed forms."""

from __future__ import annotations

import pytest
import torch
from monai.losses import DiceLoss

from vesalius.train.losses.overlap import dice_loss


@pytest.mark.parametrize("size", [(6, 5, 4), (9, 8, 1)])
@pytest.mark.parametrize("classes", [2, 4])
def test_it_is_monais_over_the_batch_without_background(size: tuple[int, int, int], classes: int) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, classes, *size, generator=generator)
    labels = torch.randint(0, classes, (3, *size), generator=generator)
    reference = DiceLoss(include_background=False, to_onehot_y=True, softmax=True, batch=True, smooth_nr=1, smooth_dr=1)

    assert dice_loss(logits, labels).item() == pytest.approx(reference(logits, labels[:, None]).item(), abs=1e-6)


def test_right_labels_cost_nothing_and_wrong_ones_all_but_everything() -> None:
    labels = torch.zeros(1, 10, 10, 10, dtype=torch.long)
    labels[:, :5] = 1
    right = torch.nn.functional.one_hot(labels, 2).movedim(-1, 1) * 100.0

    assert dice_loss(right, labels).item() == pytest.approx(0, abs=1e-6)
    assert dice_loss(-right, labels).item() == pytest.approx(1 - 1 / 1001)


def test_a_label_absent_from_the_batch_costs_nothing_where_it_is_not_found() -> None:
    labels = torch.zeros(2, 4, 4, 4, dtype=torch.long)
    logits = torch.zeros(2, 3, 4, 4, 4)
    logits[:, 0] = 100

    assert dice_loss(logits, labels).item() == pytest.approx(0, abs=1e-6)


def test_its_gradient_is_that_of_finite_differences() -> None:
    logits = torch.randn(2, 3, 2, 2, 1, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(0, 3, (2, 2, 2, 1))

    assert torch.autograd.gradcheck(lambda x: dice_loss(x, labels), logits)
