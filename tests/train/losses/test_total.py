"""A recipe's loss as a whole."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from vesalius.train.losses import TERMS, build_loss
from vesalius.train.losses.boundary import boundary_loss
from vesalius.train.losses.likelihood import cross_entropy
from vesalius.train.losses.overlap import dice_loss
from vesalius.train.recipe import Loss

SPACING = (1.0, 0.5, 2.0)
GENERATOR = torch.Generator().manual_seed(0)
LOGITS = torch.randn(2, 3, 8, 6, 4, generator=GENERATOR)
LABELS = torch.randint(0, 3, (2, 8, 6, 4), generator=GENERATOR, dtype=torch.uint8)
VOXELS = sorted(set(TERMS) - {"mse"})


def test_it_is_the_weighted_sum_of_its_terms() -> None:
    loss = build_loss(Loss(terms={"dice": 1.0, "cross-entropy": 0.5}, class_weights=(1, 2, 3)), SPACING)

    expected = dice_loss(LOGITS, LABELS.long()) + 0.5 * cross_entropy(LOGITS, LABELS.long(), (1, 2, 3))

    assert loss(LOGITS, LABELS).item() == pytest.approx(expected.item(), rel=1e-6)


def test_a_coarser_output_counts_half_against_the_nearest_voxels() -> None:
    coarse = torch.randn(2, 3, 4, 3, 4, generator=torch.Generator().manual_seed(1))
    loss = build_loss(Loss(terms={"cross-entropy": 1.0}), SPACING)

    total = loss((LOGITS, coarse), LABELS)

    fine = cross_entropy(LOGITS, LABELS.long())
    assert total.item() == pytest.approx(((2 * fine + cross_entropy(coarse, LABELS[:, 1::2, 1::2].long())) / 3).item())


def test_the_boundary_is_as_far_in_millimetres_in_a_coarser_output() -> None:
    coarse = torch.zeros(2, 3, 4, 3, 2)
    loss = build_loss(Loss(terms={"boundary": 1.0}), SPACING)

    total = loss((LOGITS, coarse), LABELS)

    fine = boundary_loss(LOGITS, LABELS, SPACING)
    nearest = LABELS[:, 1::2, 1::2, 1::2]
    assert total.item() == pytest.approx(((2 * fine + boundary_loss(coarse, nearest, (2.0, 1.0, 4.0))) / 3).item())


def test_classes_of_pictures_are_taken_as_they_are() -> None:
    loss = build_loss(Loss(terms={"cross-entropy": 1.0, "focal": 1.0}), SPACING)

    assert loss(torch.tensor([[200.0, 0.0]]), torch.tensor([0])).item() == pytest.approx(0)


def test_an_image_is_a_truth_of_its_own() -> None:
    loss = build_loss(Loss(terms={"mse": 2.0}), SPACING)

    assert loss(LOGITS + 3, LOGITS).item() == pytest.approx(18, rel=1e-5)


@pytest.mark.parametrize("term", VOXELS)
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("scale", [1e4, 0.0])
def test_extreme_scores_leave_loss_and_gradient_finite(term: str, classes: int, scale: float) -> None:
    logits = (LOGITS[:, :classes].sign() * scale).requires_grad_()
    loss = build_loss(Loss(terms={term: 1.0}, class_weights=(1.0, 2.0, 0.5)[:classes]), SPACING)

    value = loss(logits, LABELS.clamp(max=classes - 1))
    value.backward()

    assert value.isfinite()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("term", VOXELS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_scores_of_half_precision_are_computed_in_float32(term: str, dtype: torch.dtype) -> None:
    loss, scores = build_loss(Loss(terms={term: 1.0}, class_weights=(1.0, 2.0, 0.5)), SPACING), LOGITS.to(dtype)

    value = loss(scores, LABELS)

    assert value.dtype == torch.float32
    assert value.item() == loss(scores.float(), LABELS).item()


@pytest.mark.parametrize("term", VOXELS)
def test_a_picture_is_a_volume_of_one_plane(term: str) -> None:
    loss = build_loss(Loss(terms={term: 1.0}), SPACING)

    def descend(logits: Tensor) -> Tensor:
        logits = logits.clone().requires_grad_()
        loss(logits, LABELS[..., :1]).backward()
        assert logits.grad is not None
        return logits.detach() - logits.grad / logits.grad.norm()

    start = LOGITS[..., :1]
    assert loss(descend(start), LABELS[..., :1]) < loss(start, LABELS[..., :1])


@pytest.mark.parametrize("term", sorted(TERMS))
def test_a_loss_leaves_the_scores_as_they_are(term: str) -> None:
    scores = LOGITS.clone()

    build_loss(Loss(terms={term: 1.0}), SPACING)(scores, LOGITS if term == "mse" else LABELS)

    assert torch.equal(scores, LOGITS)
