"""The field against one whose kernels are N×N matrices, and what it does to a noisy segmentation."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from vesalius.models.spec import CRFParameters
from vesalius.tasks.crf import mean_field, mean_field_bytes

Spacing = tuple[float, float, float]


def _dense(probabilities: np.ndarray, image: np.ndarray, spacing: Spacing, crf: CRFParameters) -> np.ndarray:
    """The mean field with kernels in full, as equation 2 and algorithm 1 of the paper have them."""
    classes, shape = len(probabilities), image.shape[1:]
    places = np.indices(shape).reshape(3, -1) * np.array(spacing)[:, None]
    values = image.reshape(len(image), -1)
    distance = ((places[:, :, None] - places[:, None]) ** 2).sum(0)
    difference = ((values[:, :, None] - values[:, None]) ** 2).sum(0)
    near = np.exp(-distance / (2 * crf.smoothness_mm**2))
    alike = np.exp(-distance / (2 * crf.appearance_mm**2) - difference / (2 * crf.appearance_intensity**2))
    kernel = sum(
        weight * matrix / np.sqrt(np.outer(matrix.sum(0), matrix.sum(0)))
        for weight, matrix in ((crf.smoothness, near), (crf.appearance, alike))
    )
    potts = 1 - np.eye(classes)
    unary = -np.log(probabilities.reshape(classes, -1))
    field = probabilities.reshape(classes, -1)
    for _ in range(crf.iterations):
        field = np.exp(-unary - potts @ (field @ kernel))
        field /= field.sum(0)
    return field.reshape(classes, *shape)


def _case(shape: tuple[int, int, int], channels: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Random probabilities, and an image with some structure."""
    rng = np.random.default_rng(seed)
    image = np.stack([gaussian_filter(rng.normal(size=shape), 1.0) for _ in range(channels)])
    odds = np.exp(rng.normal(size=(classes, *shape)))
    return odds / odds.sum(0), (image / image.std()).astype(np.float32)


CASES = [
    ((9, 8, 10), 1, 3, (1.0, 1.0, 1.0)),
    ((12, 9, 6), 1, 2, (0.5, 1.0, 3.0)),
    ((26, 24, 1), 1, 2, (1.0, 0.5, 7.0)),
    ((26, 1, 24), 3, 4, (1.0, 7.0, 1.0)),
]


@pytest.mark.parametrize(("shape", "channels", "classes", "spacing"), CASES)
def test_marginals_are_those_of_the_dense_kernels(shape, channels, classes, spacing: Spacing) -> None:
    crf = CRFParameters(smoothness=1.0, smoothness_mm=1.2, appearance=2.0, appearance_mm=2.5, appearance_intensity=0.8)
    probabilities, image = _case(shape, channels, classes, seed=classes)
    ours, exact = mean_field(probabilities, image, spacing, crf), _dense(probabilities, image, spacing, crf)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours.sum(0), 1, atol=1e-5)
    moved = np.abs(exact - probabilities).mean()
    bound = 0.12 if channels == 1 else 0.25  # a kernel 40 % wider or narrower is further off
    assert np.abs(ours - exact).mean() < bound * moved
    assert (ours.argmax(0) == exact.argmax(0)).mean() > 0.97 > (probabilities.argmax(0) == exact.argmax(0)).mean()


@pytest.mark.parametrize(("shape", "channels", "classes", "spacing"), CASES)
def test_nearness_alone_is_exact(shape, channels, classes, spacing: Spacing) -> None:
    crf = CRFParameters(smoothness=2.0, smoothness_mm=1.3, appearance=0.0)
    probabilities, image = _case(shape, channels, classes, seed=7)
    exact = _dense(probabilities, image, spacing, crf)
    np.testing.assert_allclose(mean_field(probabilities, image, spacing, crf), exact, atol=1e-6)


def test_without_weights_the_probabilities_stay_and_certainty_is_not_beyond_appeal() -> None:
    probabilities, image = _case((6, 5, 4), 1, 3, seed=0)
    unmoved = mean_field(probabilities, image, (1, 1, 1), CRFParameters(smoothness=0, appearance=0))
    np.testing.assert_allclose(unmoved, probabilities, atol=1e-6)
    certain = np.zeros((2, 7, 7, 7))
    certain[0] = 1
    certain[:, 3, 3, 3] = 0, 1
    assert np.isfinite(mean_field(certain, np.zeros((1, 7, 7, 7), np.float32), (1, 1, 1), CRFParameters())).all()


def test_a_noisy_segmentation_of_two_regions_follows_the_border_in_the_image() -> None:
    shape, rng = (24, 22, 20), np.random.default_rng(0)
    i, j, k = np.indices(shape)
    truth = ((i - 12) / 8) ** 2 + ((j - 10) / 7) ** 2 + ((k - 10) / 6) ** 2 < 1
    image = (truth + rng.normal(0, 0.1, shape))[None].astype(np.float32)
    score = gaussian_filter(truth.astype(float), 2.0) - 0.5 + rng.normal(0, 0.25, shape)  # blurred and noisy
    share = 1 / (1 + np.exp(-4 * score))
    before = share > 0.5
    after = mean_field(np.stack([1 - share, share]), image, (1, 1, 1), CRFParameters()).argmax(0) == 1

    def dice(mask: np.ndarray) -> float:
        return 2 * (mask & truth).sum() / (mask.sum() + truth.sum())

    assert dice(before) < 0.85
    assert dice(after) > 0.98


@pytest.mark.parametrize(("channels", "classes", "noise"), [(1, 2, True), (1, 30, False), (3, 3, True)])
def test_the_memory_is_what_was_announced(channels: int, classes: int, noise: bool) -> None:
    shape, rng = (24, 24, 24), np.random.default_rng(0)
    probabilities, image = _case(shape, channels, classes, seed=1)
    if noise:
        image = rng.normal(0, 3, image.shape).astype(np.float32)
    tracemalloc.start()
    mean_field(probabilities.astype(np.float32), image, (1, 1, 1), CRFParameters(iterations=1))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.5 < peak / mean_field_bytes(shape, classes, channels) < 1.05
