"""A 2D network in 3D: of images that are alike along the third axis it sees what the flat one saw."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
models = pytest.importorskip("torchvision.models")

from torch import nn  # noqa: E402

from vesalius.nets.inflate import inflate  # noqa: E402


def test_kernels_strides_and_padding_become_cubes() -> None:
    network = inflate(nn.Sequential(nn.Conv2d(2, 4, 5, 3, 2, 1, bias=False), nn.Sequential(nn.MaxPool2d(3, 2, 1))))
    solid, (pool,) = network
    assert (solid.kernel_size, solid.stride, solid.padding, solid.bias) == ((5,) * 3, (3,) * 3, (2,) * 3, None)
    assert (pool.kernel_size, pool.stride, pool.padding) == (3, 2, 1)


def test_weights_are_drawn_for_the_larger_kernel() -> None:
    torch.manual_seed(0)
    (solid,) = inflate(nn.Sequential(nn.Conv2d(8, 64, 3)))
    assert float(solid.weight.detach().std()) == pytest.approx((2 / (64 * 27)) ** 0.5, rel=0.05)


def test_nothing_flat_is_left_in_a_resnet() -> None:
    with torch.device("meta"):
        network = inflate(models.resnet50())
    flat = [name for name, module in network.named_modules() if type(module).__name__.endswith("2d")]
    assert flat == []


def test_of_an_image_alike_along_the_third_axis_it_sees_what_the_flat_network_saw() -> None:
    """With weights repeated and divided, as the paper does; at the ends zeros are padded, so only the middle."""
    torch.manual_seed(0)
    flat = nn.Sequential(nn.Conv2d(1, 4, 3, 1, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
    picture = torch.rand(1, 1, 12, 16)
    weights = flat[0].weight.detach()
    with torch.inference_mode():
        expected = flat.eval()(picture)
    solid = inflate(flat).eval()
    solid[0].load_state_dict({"weight": weights[..., None].expand(-1, -1, -1, -1, 3) / 3})
    with torch.inference_mode():
        found = solid(picture[..., None].expand(-1, -1, -1, -1, 9))
    assert found.shape == (1, 4, 6, 8, 5)
    torch.testing.assert_close(found[..., 2], expected)
