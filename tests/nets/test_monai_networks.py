"""MONAI's classes that recipes name as they are: as large as published."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

from vesalius import nets  # noqa: E402


def count(name: str, **arguments: Any) -> int:
    return sum(parameter.numel() for parameter in nets.build(name, arguments).parameters())


@pytest.mark.slow
def test_swin_unetr_is_as_large_as_its_paper_says() -> None:
    """61.98 million for the 14 classes of BTCV (Tang et al., CVPR 2022)."""
    assert count("swin-unetr", in_channels=1, out_channels=14, feature_size=48) == pytest.approx(61.98e6, rel=0.005)


def test_attention_unet_is_a_unet_and_its_gates() -> None:
    """A gate: two projections to half the width and one to a single map, each with bias and batch norm."""
    small = {"spatial_dims": 2, "in_channels": 1, "out_channels": 2, "channels": [4, 8], "strides": [2]}

    def unit(inputs: int, outputs: int, kernel: int) -> int:
        return kernel * kernel * inputs * outputs + outputs + 2 * outputs

    encoder = unit(1, 4, 3) + unit(4, 4, 3) + unit(4, 8, 3) + unit(8, 8, 3)
    gate = unit(4, 2, 1) + unit(4, 2, 1) + unit(2, 1, 1)
    decoder = unit(8, 4, 3) + 3 * 3 * 8 * 4 + 4 + 1  # upwards, then joined; one slope of a PReLU
    assert count("attention-unet", **small) == encoder + gate + decoder + 4 * 2 + 2


def test_unet_is_counted_by_hand() -> None:
    small = {"spatial_dims": 2, "in_channels": 1, "out_channels": 2, "channels": [4, 8], "strides": [2]}
    slopes = 2
    encoder = 9 * 1 * 4 + 4 + 9 * 4 * 8 + 8
    decoder = 9 * (4 + 8) * 2 + 2
    assert count("unet", **small) == encoder + decoder + slopes
