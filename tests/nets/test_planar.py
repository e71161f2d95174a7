"""Planar against a loop over the slices."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from vesalius import nets  # noqa: E402
from vesalius.nets.planar import Planar  # noqa: E402

IMAGE = torch.randn(2, 1, 16, 24, 3, generator=torch.Generator().manual_seed(0))  # I is the column: 24 rows of 16


@pytest.fixture(scope="module")
def unet() -> torch.nn.Module:
    torch.manual_seed(0)
    return nets.build("residual-unet", {"dims": 2, "width": 4, "depth": 3, "classes": 3, "deep_supervision": True})


def test_gives_what_a_loop_over_the_slices_gives(unet: torch.nn.Module) -> None:
    with torch.inference_mode():
        expected = torch.stack([unet(IMAGE[..., k].transpose(2, 3)).transpose(2, 3) for k in range(3)], -1)
        torch.testing.assert_close(Planar(unet)(IMAGE), expected)


def test_the_network_sees_rows_and_columns() -> None:
    seen: list[tuple[int, ...]] = []
    network = torch.nn.Identity()
    network.register_forward_hook(lambda _, inputs, __: seen.append(tuple(inputs[0].shape)))
    assert torch.equal(Planar(network)(IMAGE), IMAGE)
    assert seen == [(6, 1, 24, 16)]


def test_scores_of_pictures_are_averaged_over_the_slices() -> None:
    class Extremes(torch.nn.Module):
        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            return torch.stack([pictures.amax((1, 2, 3)), pictures[:, 0, 1, 2]], 1)

    expected = torch.stack([IMAGE.amax((1, 2, 3)).mean(1), IMAGE[:, 0, 2, 1].mean(1)], 1)
    torch.testing.assert_close(Planar(Extremes())(IMAGE), expected)


def test_every_level_of_deep_supervision_comes_back(unet: torch.nn.Module) -> None:
    planar = Planar(unet).train()
    sizes = [tuple(level.shape) for level in planar(IMAGE)]
    unet.eval()
    assert sizes == [(2, 3, 16, 24, 3), (2, 3, 8, 12, 3)]
