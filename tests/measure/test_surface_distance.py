from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_erosion, gaussian_filter
from scipy.spatial import cKDTree

from vesalius.measure.surface_distance import surface_distances, surface_voxels
from vesalius.volume import Geometry


def _blobs(seed: int, shape=(24, 19, 15)):
    """Two ragged masks that overlap, reach the array's border, and come in several pieces."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=shape)
    first = gaussian_filter(noise, 1.5) > 0.02
    second = gaussian_filter(noise + 0.5 * rng.normal(size=shape), 1.5) > 0.05
    return first, second


def _points(mask, grid):
    return grid.to_world(np.argwhere(mask))


@pytest.mark.parametrize("seed", range(3))
def test_the_surface_is_the_mask_without_its_erosion(seed):
    mask, _ = _blobs(seed)
    np.testing.assert_array_equal(surface_voxels(mask), mask & ~binary_erosion(mask))


@pytest.mark.parametrize("seed", range(3))
def test_distances_are_those_between_the_surface_points_in_the_patient(seed, oblique):
    first, second = _blobs(seed, oblique.shape)
    found = surface_distances(first, second, oblique)
    one, other = (_points(mask & ~binary_erosion(mask), oblique) for mask in (first, second))
    np.testing.assert_allclose(found.to_second, cKDTree(other).query(one)[0], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.to_first, cKDTree(one).query(other)[0], rtol=1e-5, atol=1e-5)


@pytest.fixture
def oblique() -> Geometry:
    """Rotated about two axes, mirrored, 0.7 × 1.3 × 3.1 mm."""
    a, b = np.radians((25, -40))
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    affine = np.eye(4)
    affine[:3, :3] = about_z @ about_x @ np.diag([-0.7, 1.3, 3.1])
    affine[:3, 3] = 11, -20, 37
    return Geometry((24, 19, 15), affine)


def test_two_plates_by_hand():
    grid = Geometry.from_spacing((9, 5, 5), (0.7, 2, 3))
    near, far = np.zeros((2, *grid.shape), bool)
    near[1], far[4] = True, True
    distances = surface_distances(near, far, grid)
    assert distances.hd95 == pytest.approx(2.1)
    assert distances.assd == pytest.approx(2.1)
    assert (distances.nsd(2.09), distances.nsd(2.1)) == (0, 1)


def test_the_95th_percentile_is_the_larger_of_both_directions():
    grid = Geometry.from_spacing((300, 1, 1), (1, 1, 1))
    short, long = np.zeros((2, *grid.shape), bool)
    short[0:1], long[0:1], long[100:101] = True, True, True
    distances = surface_distances(short, long, grid)
    assert distances.hd95 == pytest.approx(95)
    assert distances.assd == pytest.approx(100 / 3)
    assert distances.nsd(1) == pytest.approx(2 / 3)


def test_the_surface_of_a_picture_is_its_outline():
    grid = Geometry.from_spacing((12, 12, 1), (1, 1, 1))
    large, small = np.zeros((2, *grid.shape), bool)
    large[1:11, 1:11], small[3:9, 3:9] = True, True
    distances = surface_distances(large, small, grid)
    assert (len(distances.to_second), len(distances.to_first)) == (36, 20)
    assert distances.to_first == pytest.approx(2)


@pytest.mark.parametrize("spacing", [0.3, 0.7, 0.977, 3.3])
def test_a_distance_of_the_tolerance_is_within_it(spacing):
    """Whatever single precision makes of it."""
    grid = Geometry.from_spacing((30, 1, 1), (spacing, 1, 1))
    for steps in range(1, 30):
        first, second = np.zeros((2, *grid.shape), bool)
        first[0], second[steps] = True, True
        distances = surface_distances(first, second, grid)
        assert (distances.nsd(steps * spacing), distances.nsd(steps * spacing - 1e-3)) == (1, 0)
