"""U-Net++: MONAI's with our names, its heads in the order the loss weighs them."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

from vesalius import nets  # noqa: E402


def test_is_about_as_large_as_the_paper_says() -> None:
    """9.04 million (Zhou 2018); what surrounds the convolutions differs."""
    with torch.device("meta"):
        network = nets.build("unet-plus-plus", {"dims": 2, "channels": 1, "classes": 1})
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(9.04e6, rel=0.01)


def test_the_deepest_nesting_comes_first_and_is_what_eval_mode_gives() -> None:
    torch.manual_seed(0)
    network = nets.build("unet-plus-plus", {"dims": 2, "width": 4})
    image = torch.rand(1, 1, 32, 48)
    with torch.inference_mode():
        single = network(image)
        torch.nn.init.zeros_(network.nested.conv_4_0.convs.conv_0.conv.weight)
        torch.nn.init.zeros_(network.nested.conv_4_0.convs.conv_1.conv.weight)
        changed = network(image)
        network.train()
        levels = network(image)
    assert len(levels) == 4
    torch.testing.assert_close(levels[0], changed)
    assert not torch.equal(single, changed), "the deepest sees the coarsest level"
