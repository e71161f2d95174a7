"""Intensity rules against their formulas in PyTorch and NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from vesalius.errors import UnsuitableScanError
from vesalius.transforms.intensity import IntensityMap, percentile_limits, standardizing, zscore

RNG = np.random.default_rng(3)


def _applied(intensity: IntensityMap, voxels: np.ndarray) -> np.ndarray:
    mapped = np.full(voxels.shape, np.nan, np.float32)
    intensity.apply(voxels, mapped)
    return mapped


def test_percentiles_are_torchs_quantiles_of_the_nearest_exact_128_grid() -> None:
    torch = pytest.importorskip("torch")
    scan = RNG.gamma(2.0, 50.0, (97, 133, 60)).astype(np.float32)

    low, high = percentile_limits(scan, 0.5, 99.5)

    small = torch.nn.functional.interpolate(torch.from_numpy(scan)[None, None], (128, 128, 128), mode="nearest-exact")
    expected = np.quantile(small.numpy().astype(np.float64), [0.005, 0.995])
    assert (low, high) == pytest.approx(expected, rel=1e-5)


def test_standardizing_is_clip_then_mean_and_deviation_then_scale_and_shift() -> None:
    region = RNG.normal(300, 80, (30, 20, 25)).astype(np.float32)
    mapped = _applied(standardizing(region, 200, 400, scale=0.226, shift=0.449), region)

    clipped = (np.clip(region, 200, 400).astype(np.float64) - 200) / 200
    expected = 0.226 * (clipped - clipped.mean()) / clipped.std() + 0.449
    np.testing.assert_allclose(mapped, expected, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32])
def test_zscore_over_the_voxels_that_are_not_zero(dtype: type) -> None:
    scan = RNG.integers(1, 200, (20, 20, 20)).astype(dtype)
    scan[:5] = 0
    mapped = _applied(zscore(scan, nonzero=True), scan)
    values = scan[5:].astype(np.float64)
    np.testing.assert_allclose(mapped[5:], (values - values.mean()) / values.std(), atol=1e-4)


def test_large_offsets_do_not_cost_precision() -> None:
    scan = (RNG.normal(0, 1, (64, 64, 64)) + 30000).astype(np.float32)
    mapped = _applied(zscore(scan, nonzero=False), scan)
    assert abs(float(mapped.mean(dtype=np.float64))) < 1e-2
    assert float(mapped.std(dtype=np.float64)) == pytest.approx(1, abs=1e-2)


def test_a_window_clips_and_keeps_the_input() -> None:
    scan = np.array([[-2000.0, 0.0], [40.0, 3000.0]], np.float32)
    mapped = _applied(IntensityMap(-100, 300, 100, 50), scan)
    np.testing.assert_allclose(mapped, [[-4, -2], [-1.2, 4]], atol=1e-6)
    assert scan[0, 0] == -2000


def test_a_scan_without_contrast_is_refused() -> None:
    with pytest.raises(UnsuitableScanError, match="no contrast"):
        percentile_limits(np.zeros((9, 9, 9)), 0.5, 99.5)
