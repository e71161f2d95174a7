"""Augmentations of intensity against closed forms, SciPy's filters and pooling."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 -- as everywhere in the field
from scipy.interpolate import BSpline
from scipy.ndimage import gaussian_filter
from torch import Generator, Tensor

from vesalius.transforms.augment import Augmentation
from vesalius.transforms.augment.intensity import changed, draw_change
from vesalius.transforms.augment.kinds import (
    BiasField,
    Blur,
    Brightness,
    Contrast,
    Flip,
    Gamma,
    LowResolution,
    Noise,
)
from vesalius.transforms.augment.record import Change
from vesalius.transforms.augment.warp import Size

SPACING = (1.0, 0.5, 2.0)
SIZE = (16, 24, 12)
EVERY = [Gamma(), Contrast(), Brightness(), BiasField(), Noise(), Blur(), LowResolution()]


def _image(count: int = 2, size: Size = SIZE) -> Tensor:
    return 5 + 3 * torch.randn(count, 2, *size, generator=Generator().manual_seed(4))


def _change(kind: Augmentation, count: int = 2, size: Size = SIZE, seed: int = 0) -> Change:
    return draw_change(kind, torch.arange(count), size, SPACING, Generator().manual_seed(seed))


def _moments(image: Tensor) -> tuple[Tensor, Tensor]:
    return image.mean((2, 3, 4), keepdim=True), image.std((2, 3, 4), keepdim=True, correction=0)


def test_gamma_is_a_power_and_keeps_mean_and_deviation() -> None:
    image, change = _image(), _change(Gamma(power=(2, 2)))

    new = changed(image.clone(), change)

    low = image.amin((2, 3, 4), keepdim=True)
    squared = ((image - low) / (image.amax((2, 3, 4), keepdim=True) - low)) ** 2
    (mean, deviation), (old_mean, old_deviation) = _moments(squared), _moments(image)
    assert torch.allclose(new, (squared - mean) / deviation * old_deviation + old_mean, atol=1e-3)
    assert torch.allclose(_moments(new)[0], old_mean, atol=1e-4)
    assert torch.allclose(_moments(new)[1], old_deviation, atol=1e-4)


def test_contrast_scales_about_the_mean() -> None:
    image = _image()
    mean, deviation = _moments(image)

    new_mean, new_deviation = _moments(changed(image.clone(), _change(Contrast(factor=(1.3, 1.3)))))

    assert torch.allclose(new_mean, mean, atol=1e-5)
    assert torch.allclose(new_deviation, 1.3 * deviation, atol=1e-4)


def test_brightness_adds_shares_of_the_deviation() -> None:
    image = _image(500, (4, 4, 4))

    added = changed(image.clone(), _change(Brightness(deviation=0.3), 500)) - image

    assert torch.allclose(added, added[:, :, :1, :1, :1].expand_as(added), atol=1e-5)
    share = added[:, 0, 0, 0, 0] / _moments(image)[1][:, 0, 0, 0, 0]
    assert (share.mean().item(), share.std().item()) == pytest.approx((0, 0.3), abs=0.04)


def test_a_bias_field_is_the_exponential_of_scipys_spline_and_leaves_the_minimum() -> None:
    image = torch.ones(1, 1, *SIZE)
    image[..., 0, 0, 0] = 0
    change = _change(BiasField(deviation=0.3, points=6), 1)

    new = changed(image.clone(), change)[0, 0].numpy()

    expected = change.numbers["lattice"][0, 0].double().numpy()
    for axis, n in enumerate(SIZE):
        expected = BSpline(np.arange(-3.0, 7), expected, 3, axis=axis)(np.linspace(0, 3, n))
    assert np.ptp(expected) > 0.3
    assert new[0, 0, 0] == 0
    assert new.ravel()[1:] == pytest.approx(np.exp(expected).ravel()[1:], rel=1e-4)


def test_a_bias_field_has_its_deviation() -> None:
    image = torch.ones(200, 1, 16, 16, 16)
    image[..., 0, 0, 0] = 0

    field = changed(image.clone(), _change(BiasField(deviation=0.2), 200, (16, 16, 16)))

    assert field[..., 1:].log().std().item() == pytest.approx(0.2, rel=0.1)


def test_noise_has_its_deviation_and_is_new_in_each_sample_and_channel() -> None:
    image, change = _image(3), _change(Noise(deviation=0.5), 3)

    added = (changed(image.clone(), change) - image) / _moments(image)[1]

    expected = change.numbers["deviation"]
    assert (expected <= 0.5).all()
    assert added.std((2, 3, 4)).flatten().tolist() == pytest.approx(expected.repeat_interleave(2).tolist(), rel=0.05)
    assert added.mean((2, 3, 4)).abs().max() < 0.05
    flat = torch.corrcoef(added.reshape(6, -1))
    assert (flat - torch.eye(6)).abs().max() < 0.1


def test_a_blur_is_scipys_in_millimetres() -> None:
    image = _image(1, (24, 40, 16))

    new = changed(image.clone(), _change(Blur(sigma_mm=(1.2, 1.2)), 1))

    expected = gaussian_filter(image[0, 0].double().numpy(), [1.2 / mm for mm in SPACING], truncate=8)
    inner = (slice(6, -6), slice(12, -12), slice(4, -4))
    assert new[0, 0].numpy()[inner] == pytest.approx(expected[inner], abs=1e-3)


@pytest.mark.parametrize("factor", [2, 3])
def test_a_low_resolution_of_a_whole_factor_is_pooling_and_linear_interpolation(factor: int) -> None:
    image, size = _image(2, (12, 24, 6)), (12, 24, 6)

    new = changed(image.clone(), _change(LowResolution(factor=(factor, factor)), size=size))

    pooled = F.avg_pool3d(image, factor)
    assert torch.allclose(new, F.interpolate(pooled, size, mode="trilinear", align_corners=False), atol=1e-4)


def test_factors_of_resolution_are_drawn_for_each_axis() -> None:
    factors = _change(LowResolution(factor=(1, 4)), 50).numbers["factor"]

    assert factors.shape == (50, 3)
    assert factors.min() >= 1
    assert 3 < factors.max() <= 4
    assert np.abs(np.corrcoef(factors.numpy().T) - np.eye(3)).max() < 0.5


@pytest.mark.parametrize("kind", EVERY)
def test_only_the_touched_samples_change(kind: Augmentation) -> None:
    image = _image(3)

    new = changed(image.clone(), draw_change(kind, torch.tensor([2]), SIZE, SPACING, Generator().manual_seed(3)))

    assert torch.equal(new[:2], image[:2])
    assert not torch.equal(new[2], image[2])


@pytest.mark.parametrize("kind", [kind for kind in EVERY if not isinstance(kind, Noise)])
def test_the_channels_of_a_sample_change_alike(kind: Augmentation) -> None:
    image = _image(1)[:, :1].repeat(1, 2, 1, 1, 1)

    new = changed(image.clone(), _change(kind, 1))

    assert torch.allclose(new[:, 0], new[:, 1], atol=1e-4)


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("value", [0.0, -1000.0])
def test_an_even_image_stays_finite_and_even(kind: Augmentation, value: float) -> None:
    new = changed(torch.full((1, 1, *SIZE), value), _change(kind, 1))

    assert (new - value).abs().max() < 5e-3


@pytest.mark.parametrize("kind", EVERY)
def test_a_picture_is_changed_within_its_plane(kind: Augmentation) -> None:
    image, size = _image(2, (16, 12, 1)), (16, 12, 1)

    new = changed(image.clone(), _change(kind, size=size))

    assert new.shape == image.shape
    assert new.isfinite().all()


def test_a_spatial_kind_is_none_of_intensity() -> None:
    with pytest.raises(TypeError, match="Flip"):
        _change(Flip())
