"""Interpolation between voxels against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from vesalius.transforms.augment.interpolate import interpolate


@pytest.mark.parametrize("size", [(7, 9, 5), (1, 6, 4), (5, 1, 6), (8, 6, 1), (2, 2, 2)])
def test_it_is_scipys_linear_interpolation_with_the_border_going_on(size: tuple[int, int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    patches = torch.randn(2, 3, *size, generator=generator)
    extent = torch.tensor(size).reshape(3, 1, 1, 1)
    places = torch.rand(2, 3, *size, generator=generator) * (extent + 3) - 2  # some beyond the border

    out = interpolate(patches, places)

    for sample in range(2):
        for channel in range(3):
            voxels, at = patches[sample, channel].numpy(), places[sample].numpy()
            expected = map_coordinates(voxels, at, order=1, mode="nearest")
            assert out[sample, channel].numpy() == pytest.approx(expected, abs=1e-4)


def test_voxels_are_found_where_they_are() -> None:
    patches = torch.randn(1, 1, 6, 5, 4, generator=torch.Generator().manual_seed(0))
    places = torch.from_numpy(np.indices((6, 5, 4)).astype(np.float32))[None]

    assert torch.allclose(interpolate(patches, places), patches, atol=1e-4)
