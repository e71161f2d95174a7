from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from phantoms import GRIDS, labelmap
from vesalius.scene.planes import Plane, draw_labels, draw_scan, grey_window
from vesalius.volume import Geometry, Volume

AXIAL = (np.array([-1.0, 0, 0]), np.array([0, -1.0, 0]))


def smooth_scan(matrix: np.ndarray, shape: tuple[int, int, int] = (40, 33, 27)) -> Volume:
    """Grey values that are a function of the place in WORLD, whatever the grid."""
    geometry = Geometry(shape, matrix)
    places = geometry.to_world(np.moveaxis(np.indices(shape), 0, -1)) - geometry.to_world((np.array(shape) - 1) / 2)
    return Volume(_pattern(places)[None], geometry, "MR")


def _pattern(places: np.ndarray) -> np.ndarray:
    x, y, z = np.moveaxis(places, -1, 0)
    return 100 + 2.0 * x - 1.2 * y + 0.7 * z


@pytest.mark.parametrize("matrix", GRIDS)
def test_a_plane_shows_what_is_there_in_the_patient(matrix: np.ndarray) -> None:
    scan = smooth_scan(matrix)
    centre = scan.geometry.to_world((np.array(scan.geometry.shape) - 1) / 2)
    plane = Plane(*AXIAL, centre, 36, 24, 2.0)
    shown = draw_scan(scan, plane, (50.0, 150.0))[..., 0]
    rows, columns = np.indices((24, 36))
    x, y = -(columns + 0.5 - 18) / 2, -(rows + 0.5 - 12) / 2
    expected = (_pattern(np.stack([x, y, np.zeros_like(x)], axis=-1)) - 50) / 100
    np.testing.assert_allclose(shown[3:-3, 3:-3], expected[3:-3, 3:-3], atol=0.01)


def test_a_plane_agrees_with_scipy_between_voxels() -> None:
    voxels = np.random.default_rng(0).uniform(0, 1, (12, 13, 14))
    scan = Volume(voxels[None], Geometry.from_spacing((12, 13, 14), (1, 1, 1)))
    plane = Plane(*AXIAL, np.array([5.3, 6.1, 7.7]), 8, 6, 1.0)
    index = plane.points(1)
    expected = map_coordinates(voxels, np.moveaxis(index, -1, 0), order=1)
    np.testing.assert_allclose(draw_scan(scan, plane, (0.0, 1.0))[..., 0], expected, atol=1e-6)


def test_beyond_the_scan_a_plane_is_black_and_so_is_nan() -> None:
    voxels = np.full((1, 10, 10, 10), 50.0)
    voxels[:, 7:] = np.nan
    scan = Volume(voxels, Geometry.from_spacing((10, 10, 10), (1, 1, 1)))
    shown = draw_scan(scan, Plane(*AXIAL, np.array([4.5, 4.5, 4.5]), 40, 20, 1.0), (0.0, 100.0))
    assert shown[:, :10].max() == 0
    assert shown[5:15, 15:17].max() == 0  # x of 7 and more, on the left
    np.testing.assert_allclose(shown[8:12, 20:24], 0.5, atol=0.01)


def test_three_channels_are_colours() -> None:
    voxels = np.zeros((3, 8, 8, 1), np.uint8)
    voxels[0], voxels[2] = 255, 51
    scan = Volume(voxels, Geometry.from_spacing((8, 8, 1), (1, 1, 1)), channels=("red", "green", "blue"))
    shown = draw_scan(scan, Plane(*AXIAL, np.array([3.5, 3.5, 0]), 4, 4, 1.0), (0.0, 255.0))
    np.testing.assert_allclose(shown[2, 2], (1, 0, 0.2), atol=1e-6)


@pytest.mark.parametrize("matrix", GRIDS[:4])
def test_a_label_is_drawn_where_it_is(matrix: np.ndarray) -> None:
    voxels = np.zeros((40, 33, 27), np.uint8)
    voxels[8:20, 12:26, 10:18] = 1
    labels = labelmap(voxels, matrix)
    centre = labels.geometry.to_world(np.argwhere(voxels).mean(axis=0))
    plane = Plane(*AXIAL, centre, 120, 120, 4.0)
    canvas = np.zeros((120, 120, 3))
    draw_labels(canvas, labels, plane)
    inside = labels.geometry.to_index(plane.points(1))
    low, high = np.array([7.5, 11.5, 9.5]), np.array([19.5, 25.5, 17.5])
    expected = np.all((inside > low) & (inside < high), axis=-1)
    drawn = canvas.sum(axis=-1) > 0.15
    assert np.count_nonzero(drawn & expected) / np.count_nonzero(expected) > 0.96
    assert np.count_nonzero(drawn & ~expected) / np.count_nonzero(expected) < 0.05


def test_the_outline_is_stronger_than_the_inside() -> None:
    voxels = np.zeros((40, 40, 3), np.uint8)
    voxels[10:30, 10:30] = 1
    labels = labelmap(voxels)
    canvas = np.zeros((160, 160, 3))
    draw_labels(canvas, labels, Plane(*AXIAL, np.array([19.5, 19.5, 1.0]), 160, 160, 4.0))
    colour = np.array(labels.labels[1].rgb) / 255
    np.testing.assert_allclose(canvas[80, 80], 0.16 * colour, atol=0.01)
    np.testing.assert_allclose(canvas[80, 38:46].max(axis=0), colour, atol=0.03)


def test_the_window_leaves_out_background_and_single_bright_voxels() -> None:
    voxels = np.zeros((1, 50, 50, 50))
    voxels[:, 10:40, 10:40, 10:40] = np.random.default_rng(0).normal(500, 50, (30, 30, 30))
    voxels[0, 20, 20, 20] = 1e6
    low, high = grey_window(Volume(voxels, Geometry((50, 50, 50), np.eye(4)), "MR"))
    assert 330 < low < 400
    assert 600 < high < 680


def test_the_window_of_a_ct_is_soft_tissue() -> None:
    assert grey_window(Volume(np.zeros((1, 2, 2, 2)), Geometry((2, 2, 2), np.eye(4)), "CT")) == (-160, 240)


@pytest.mark.parametrize("value", [0.0, 7.0, np.nan])
def test_a_scan_of_one_value_has_a_window(value: float) -> None:
    low, high = grey_window(Volume(np.full((1, 4, 4, 4), value), Geometry((4, 4, 4), np.eye(4))))
    assert high > low
