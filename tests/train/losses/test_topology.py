"""clDice against MONAI's, and what it is for."""

from __future__ import annotations

import pytest
import torch
from monai.losses import SoftclDiceLoss
from torch import Tensor

from vesalius.train.losses.overlap import dice_loss
from vesalius.train.losses.topology import centreline_dice_loss


@pytest.mark.parametrize("size", [(10, 12, 9), (16, 20)])
def test_it_is_monais_of_all_that_is_not_background(size: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(1, 3, *size, generator=generator)
    labels = torch.randint(0, 3, (1, *size), generator=generator)
    volume = (1, *size, 1)[: 1 + 3]  # a picture is a volume of one plane

    ours = centreline_dice_loss(logits.reshape(1, 3, *volume[1:]), labels.reshape(volume))

    reference = SoftclDiceLoss(iter_=8, smooth=1e-9)
    expected = reference(1 - logits.softmax(1)[:, :1], (labels[:, None] > 0).float())
    assert ours.item() == pytest.approx(expected.item(), abs=1e-6)


def test_a_broken_vessel_costs_more_than_a_thin_one_of_the_same_dice() -> None:
    vessel = torch.zeros(1, 60, 21, 1, dtype=torch.long)
    vessel[:, :, 8:13] = 1
    broken, thin = vessel.clone(), vessel.clone()
    broken[:, 24:36] = 0
    thin[:, :, 8] = 0

    assert dice_loss(_sure(broken), vessel) == pytest.approx(dice_loss(_sure(thin), vessel).item(), abs=0.01)
    assert centreline_dice_loss(_sure(broken), vessel) > 5 * centreline_dice_loss(_sure(thin), vessel)


def test_whole_vessels_cost_nothing_and_none_at_all_leave_it_finite() -> None:
    vessel = torch.zeros(2, 20, 9, 9, dtype=torch.long)
    vessel[:, :, 3:6, 3:6] = 1

    assert centreline_dice_loss(_sure(vessel), vessel).item() == pytest.approx(0, abs=1e-5)
    assert centreline_dice_loss(_sure(torch.zeros_like(vessel)), torch.zeros_like(vessel)).item() == pytest.approx(0)


def test_it_tells_the_network_where_to_close_the_gap() -> None:
    vessel = torch.zeros(1, 30, 9, 1, dtype=torch.long)
    vessel[:, :, 4] = 1
    broken = vessel.clone()
    broken[:, 14:16] = 0
    logits = (_sure(broken) / 10).requires_grad_()

    centreline_dice_loss(logits, vessel).backward()

    assert logits.grad is not None
    assert (logits.grad[0, 1, 14:16, 4] < 0).all()
    assert logits.grad.isfinite().all()


def _sure(labels: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(labels, 2).movedim(-1, 1) * 50.0
