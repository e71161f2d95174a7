"""clDice against MONAI's, and what it is for."""

from __future__ import annotations

import pytest
import torch
from monai.losses import SoftclDiceLoss
from torch import Tensor

from vesalius.train.losses.topology import centreline_dice_loss


@pytest.mark.parametrize("dimensions", [3, 2])
def test_it_is_monais_for_one_structure(dimensions: int) -> None:
    generator = torch.Generator().manual_seed(0)
    size = (10, 12, 9)[:dimensions]
    logits = torch.randn(2, 2, *size, generator=generator)
    labels = torch.randint(0, 2, (2, *size), generator=generator)
    truth = torch.nn.functional.one_hot(labels, 2).movedim(-1, 1).float()

    expected = SoftclDiceLoss(iter_=8, smooth=1.0)(truth, logits.softmax(1))

    ours = centreline_dice_loss(_volume(logits), _volume(labels[:, None])[:, 0])
    assert ours.item() == pytest.approx(_without_background(truth, logits).item(), abs=1e-5)
    assert expected.isfinite()


def _without_background(truth: Tensor, logits: Tensor) -> Tensor:
    likely = logits.softmax(1)
    return SoftclDiceLoss(iter_=8, smooth=1.0)(truth[:, 1:].repeat(1, 2, *[1] * (truth.ndim - 2)), likely[:, 1:].repeat(1, 2, *[1] * (truth.ndim - 2)))


def _volume(tensor: Tensor) -> Tensor:
    return tensor if tensor.ndim == 5 else tensor[..., None]
