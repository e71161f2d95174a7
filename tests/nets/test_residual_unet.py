"""The residual U-Net: its parameters counted by hand, its levels, its skips."""

from __future__ import annotations

from itertools import pairwise

import pytest

torch = pytest.importorskip("torch")

from vesalius import nets  # noqa: E402
from vesalius.errors import ModelFolderError  # noqa: E402


def by_hand(dims: int, channels: int, classes: int, widths: list[int], heads: int) -> int:
    """With strides of 2 everywhere: no bias before a norm, scale and shift in each norm."""
    kernel = 3**dims
    total = kernel * channels * widths[0] + 2 * widths[0]  # stem
    for before, width in zip([widths[0], *widths[:-1]], widths, strict=True):
        total += kernel * (before + width) * width + 4 * width  # two convolutions
        total += before * width if before != width else 0  # projection
    for fine, coarse in pairwise(widths):
        total += 2**dims * coarse * fine + fine  # transposed convolution, which has a bias
        total += kernel * fine * fine + 2 * fine
    return total + sum(width * classes + classes for width in widths[:heads])


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("deep", [False, True])
def test_has_the_parameters_counted_by_hand(dims: int, deep: bool) -> None:
    arguments = {"dims": dims, "channels": 2, "classes": 3, "width": 16, "depth": 5, "deep_supervision": deep}
    network = nets.build("residual-unet", {**arguments, "widest": 100})
    expected = by_hand(dims, 2, 3, [16, 32, 64, 100, 100], 4 if deep else 1)
    # a level as wide as the one above is projected too, for it is coarser
    assert sum(parameter.numel() for parameter in network.parameters()) == expected + 100 * 100


def test_strides_are_along_the_axes_that_they_name() -> None:
    network = nets.build("residual-unet", {"width": 4, "depth": 3, "strides": [[2, 2, 1], [1, 2, 3]]})
    features = network.encoder(torch.rand(1, 1, 8, 12, 9))
    assert [tuple(level.shape[1:]) for level in features] == [(4, 8, 12, 9), (8, 4, 6, 9), (16, 4, 3, 3)]
    assert network(torch.rand(1, 1, 8, 12, 9)).shape == (1, 2, 8, 12, 9)


def test_deep_supervision_scores_all_levels_but_the_deepest_finest_first() -> None:
    network = nets.build("residual-unet", {"width": 4, "depth": 4, "deep_supervision": True})
    image = torch.rand(1, 1, 16, 16, 32)
    with torch.inference_mode():
        single = network(image)
        levels = network.train()(image)
    assert [tuple(level.shape[2:]) for level in levels] == [(16, 16, 32), (8, 8, 16), (4, 4, 8)]
    torch.testing.assert_close(levels[0], single, msg="instance norm does not know train mode")


def test_fine_detail_passes_the_skips() -> None:
    """With the deepest levels silenced, a voxel of the image still changes the scores, nearby only."""
    torch.manual_seed(0)
    network = nets.build("residual-unet", {"width": 4, "depth": 3})
    for up in network.up:
        torch.nn.init.zeros_(up.weight)
    image = torch.rand(1, 1, 16, 16, 16, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(image)[0, 1, 8, 8, 8], image)
    near = gradient[0, 0, 4:13, 4:13, 4:13].abs().mean()
    assert near > 20 * gradient.abs().median() > 0, "far away the norms' means alone pass something on"


def test_strides_of_another_depth_are_refused() -> None:
    with pytest.raises(ModelFolderError, match="strides"):
        nets.build("residual-unet", {"depth": 4, "strides": [2, 2]})
