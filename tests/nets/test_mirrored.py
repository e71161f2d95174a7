"""Mirrored against the flips written out."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from vesalius import nets  # noqa: E402
from vesalius.nets.mirrored import Mirrored  # noqa: E402

IMAGE = torch.randn(1, 2, 8, 12, 16, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def unet() -> torch.nn.Module:
    torch.manual_seed(0)
    return nets.build("residual-unet", {"channels": 2, "classes": 3, "width": 4, "depth": 3})


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_flipped_image_gives_the_flipped_result(unet: torch.nn.Module, axis: int) -> None:
    mirrored = Mirrored(unet, [axis])
    with torch.inference_mode():
        result, plain = mirrored(IMAGE), unet(IMAGE)
        torch.testing.assert_close(mirrored(IMAGE.flip(2 + axis)), result.flip(2 + axis), rtol=0, atol=1e-5)
        assert (unet(IMAGE.flip(2 + axis)) - plain.flip(2 + axis)).abs().max() > 0.01, "which without it does not hold"


def test_is_the_logarithm_of_the_mean_probability_over_all_combinations(unet: torch.nn.Module) -> None:
    with torch.inference_mode():
        runs = [unet(IMAGE.flip(axes)).softmax(1).flip(axes) for axes in ([], [2], [4], [2, 4])]
        expected = torch.stack(runs).mean(0)
        result = Mirrored(unet, [0, 2])(IMAGE)
    torch.testing.assert_close(result.exp(), expected)
    torch.testing.assert_close(result.softmax(1), expected)


def test_scores_of_a_classifier_are_averaged_and_not_flipped() -> None:
    class Corner(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return torch.stack([image[:, 0, 0, 0, 0], torch.zeros(len(image))], 1)

    corners = IMAGE[0, 0, 0, [0, -1], 0]
    expected = (torch.sigmoid(corners[0]) + torch.sigmoid(corners[1])) / 2
    assert Mirrored(Corner(), [1])(IMAGE)[0].exp().tolist() == pytest.approx([float(expected), 1 - float(expected)])


def test_an_impossible_class_stays_finite() -> None:
    scores = torch.tensor([[1000.0, 0.0]])
    network = torch.nn.Module()
    network.forward = lambda _: scores
    assert Mirrored(network, [0])(IMAGE).tolist() == [[0.0, pytest.approx(math.log(1e-12))]]
