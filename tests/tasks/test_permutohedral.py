"""The lattice filter against the sum over all pairs of points."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from vesalius.tasks.permutohedral import Permutohedral


def _points(shape: tuple[int, ...], channels: int) -> np.ndarray:
    """(N, d): the voxels of an image by place and intensity, as a conditional random field sees them."""
    rng = np.random.default_rng(0)
    places = np.indices(shape).reshape(len(shape), -1).T * 0.4
    image = [gaussian_filter(rng.normal(size=shape), 1).ravel() for _ in range(channels)]
    return np.column_stack([places, *(1.5 * channel / channel.std() for channel in image)])


def _average(points: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(L, N): the Gaussian's weighted mean of all values at each point, by its N×N matrix."""
    kernel = np.exp(-((points[:, None] - points[None]) ** 2).sum(-1) / 2)
    return values @ kernel / kernel.sum(0)


@pytest.mark.parametrize(
    ("shape", "channels", "bound"),
    [((400,), 0, 0.05), ((30, 30), 0, 0.05), ((30, 30), 1, 0.06), ((11, 11, 11), 1, 0.07), ((30, 30), 3, 0.16)],
)
def test_averages_are_the_gaussians_within_the_lattices_known_error(shape, channels, bound) -> None:
    points = _points(shape, channels)
    values = np.stack([np.sin(2 * points).sum(1), points[:, -1] > np.median(points[:, -1])]).astype(float)
    kernel, exact = Permutohedral(points), _average(points, values)
    ours = kernel(values) / kernel(np.ones((1, len(points))))

    def error(averages: np.ndarray) -> np.ndarray:
        return np.sqrt(((averages - exact) ** 2).mean(1)) / values.std(1)

    assert error(ours).max() < bound
    for wrong in (0.7, 1.4):  # the error of a kernel of another width is beyond the bound
        assert error(_average(points * wrong, values)).max() > bound


def test_points_far_apart_do_not_see_each_other_and_equal_ones_do_fully() -> None:
    points = np.array([[0.0, 0.0], [50.0, 0.0], [0.0, 0.0]])
    kernel = Permutohedral(points)
    ours = kernel(np.array([[1.0, 10.0, 100.0]]))[0]
    height = kernel(np.ones((1, 3)))[0]
    np.testing.assert_allclose(ours / height, [50.5, 10, 50.5])
