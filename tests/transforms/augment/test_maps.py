"""What is drawn for the spatial augmentations, against what their descriptions promise."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Generator, Tensor

from vesalius.transforms.augment.kinds import Affine, Crop, Elastic, Flip, Spatial
from vesalius.transforms.augment.maps import draw_warp
from vesalius.transforms.augment.warp import Size, Spacing, Warp

SIZE, SPACING = (12, 20, 9), (1.5, 0.7, 3.0)
WILD = Affine(probability=1, degrees=180, scale=(0.3, 3), stretch=0.9, shear=0.49, shift_mm=5)


def _drawn(*kinds: Spatial, count: int = 300, size: Size = SIZE, spacing: Spacing = SPACING, seed: int = 0) -> Warp:
    return draw_warp(kinds, count, size, spacing, Generator().manual_seed(seed))


def test_an_affine_never_mirrors() -> None:
    assert torch.linalg.det(_drawn(WILD, Crop(probability=1, share=(0.1, 1)), count=5000).matrix).min() > 0


def test_turns_are_rotations_within_their_angles() -> None:
    degrees = 20.0
    turns = _drawn(Affine(probability=1, degrees=degrees, scale=(1, 1))).matrix

    assert torch.allclose(turns @ turns.mT, torch.eye(3).expand_as(turns), atol=1e-5)
    assert torch.linalg.det(turns).min() > 0
    about_last = torch.atan2(turns[:, 1, 0], turns[:, 0, 0]).abs()  # the angle of the last turn in Rz · Ry · Rx
    assert math.radians(0.95 * degrees) < about_last.max() <= math.radians(degrees) * (1 + 1e-5)


def test_an_enlarged_patient_is_sampled_more_closely() -> None:
    assert torch.allclose(_drawn(Affine(probability=1, degrees=0, scale=(2, 2))).matrix, torch.eye(3) / 2)


def test_scales_are_as_often_above_one_as_below() -> None:
    matrices = _drawn(Affine(probability=1, degrees=0, scale=(0.5, 2)), count=4000).matrix

    scales = 1 / matrices[:, 0, 0]
    assert scales.min() >= 0.5
    assert scales.max() <= 2
    assert scales.log().mean().item() == pytest.approx(0, abs=0.03)
    assert torch.equal(matrices[:, 0, 0], matrices[:, 2, 2])  # without stretch, alike along every axis


def test_flips_are_along_the_allowed_axes_alone_and_even() -> None:
    diagonals = _drawn(Flip(axes=(0, 2)), count=4000).matrix.diagonal(dim1=1, dim2=2)

    assert set(diagonals.flatten().tolist()) == {-1.0, 1.0}
    assert (diagonals[:, 1] == 1).all()
    assert diagonals[:, [0, 2]].mean(0).tolist() == pytest.approx([0, 0], abs=0.06)


def test_a_crop_lies_within_the_patch() -> None:
    warp = _drawn(Crop(probability=1, share=(0.2, 0.9)))
    half = torch.tensor(SIZE) * torch.tensor(SPACING) / 2

    reach = (warp.matrix @ half[:, None])[..., 0] + warp.shift.abs()

    assert (reach <= half * (1 + 1e-5)).all()
    assert (reach > 0.99 * half).any()


def test_an_elastic_displacement_has_its_deviation_along_each_axis() -> None:
    elastic = Elastic(probability=1, spacing_mm=12, deviation_mm=0.5)
    field = _displacement(_drawn(elastic, size=(25, 10, 17), spacing=(1.0, 4.0, 1.5)))

    assert field.std((0, 2, 3, 4)).tolist() == pytest.approx([0.5] * 3, rel=0.05)


def test_an_elastic_displacement_never_folds() -> None:
    size, spacing = (25, 25, 25), (1.0, 1.0, 1.0)
    warp = _drawn(Elastic(probability=1, spacing_mm=6, deviation_mm=100), count=4, size=size, spacing=spacing)

    places = warp.places(torch.device("cpu"))
    slopes = torch.stack([places.diff(dim=axis)[..., :24, :24, :24] for axis in (2, 3, 4)], -1)

    assert torch.linalg.det(slopes.permute(0, 2, 3, 4, 1, 5)).min() > 0


@pytest.mark.parametrize("seed", range(3))
def test_a_picture_stays_in_its_plane(seed: int) -> None:
    kinds = (Flip(axes=(0, 1, 2)), WILD, Elastic(probability=1), Crop(probability=1))
    warp = _drawn(*kinds, size=(30, 20, 1), spacing=(0.5, 0.8, 4.0), count=20, seed=seed)

    assert warp.matrix[:, 2].tolist() == [[0, 0, 1]] * 20
    assert warp.matrix[:, :, 2].tolist() == [[0, 0, 1]] * 20
    assert (warp.places(torch.device("cpu"))[:, 2] == 0).all()


def test_with_probability_zero_nothing_moves() -> None:
    kinds = [Flip(probability=0), Affine(probability=0), Elastic(probability=0), Crop(probability=0)]

    assert not _drawn(*kinds).interpolates().any()


def test_a_probability_is_the_share_of_the_samples_touched() -> None:
    touched = _drawn(Elastic(probability=0.3), count=2000, size=(4, 4, 4)).interpolates()

    assert touched.float().mean().item() == pytest.approx(0.3, abs=0.04)


def _displacement(warp: Warp) -> Tensor:
    """(N, 3, I, J, K) mm."""
    still = Warp(warp.size, warp.spacing, warp.matrix, warp.shift, None)
    cpu = torch.device("cpu")
    return (warp.places(cpu) - still.places(cpu)) * torch.tensor(warp.spacing).reshape(3, 1, 1, 1)
