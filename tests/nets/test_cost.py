"""Costs against hand counts and published figures."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from vesalius import nets  # noqa: E402
from vesalius.nets.cost import Cost, cost  # noqa: E402


def test_of_one_convolution() -> None:
    flops = 2 * (27 * 2) * 5 * (4 * 3 * 2)  # a multiplication and an addition a weight, channel and voxel put out
    assert cost(nn.Conv3d(2, 5, 3, stride=2, padding=1), (1, 2, 8, 6, 4)) == Cost(27 * 2 * 5 + 5, flops)


def test_of_one_transposed_convolution() -> None:
    flops = 2 * (8 * 3) * 2 * (4 * 6)  # a weight, channel and voxel put in
    assert cost(nn.ConvTranspose2d(3, 2, (2, 4), (2, 4), bias=False), (1, 3, 4, 6)) == Cost(8 * 3 * 2, flops)


def test_of_a_linear_layer_for_a_batch() -> None:
    assert cost(nn.Linear(7, 3), (4, 7)) == Cost(24, 2 * 7 * 3 * 4)


@pytest.mark.parametrize(("depth", "giga"), [(18, 1.814), (50, 4.089)])
def test_of_a_resnet_is_what_torchvision_publishes(depth: int, giga: float) -> None:
    """Torchvision counts multiplications with their additions as one."""
    pytest.importorskip("torchvision")
    network = nets.build("resnet", {"depth": depth, "channels": 3, "classes": 1000})
    assert cost(network, (1, 3, 224, 224)).flops / 2e9 == pytest.approx(giga, abs=0.001)


def test_is_of_the_network_in_eval_mode_and_leaves_it_as_it_was() -> None:
    network = nets.build("deeply-supervised", {"width": 4}).train()
    quiet = cost(network.eval(), (1, 1, 8, 8, 8))
    assert cost(network.train(), (1, 1, 8, 8, 8)) == quiet
    assert network.training
    assert next(network.parameters()).device.type == "cpu"
