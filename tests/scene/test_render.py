from __future__ import annotations

import numpy as np
import pytest

from phantoms import ball, cuboid
from vesalius.scene.mesh import extract_meshes
from vesalius.scene.render import Camera, render
from vesalius.scene.shading import openness, to_linear, to_srgb
from vesalius.scene.texture import brightness_beneath
from vesalius.volume import Geometry, Volume

FRONT = (0.0, 1.0, 0.0)


def test_from_the_front_the_patients_left_is_on_the_right_and_the_head_up() -> None:
    camera = Camera.around(np.array([[-50.0, -50, -50], [50, 50, 50]]), FRONT, 200, 160)
    middle, left, head, near = camera.project(np.array([[0.0, 0, 0], [-10, 0, 0], [0, 0, 10], [0, 10, 0]]))
    np.testing.assert_allclose(middle[:2], (100, 80))
    assert left[0] > middle[0]
    assert left[1] == pytest.approx(middle[1])
    assert head[1] < middle[1]
    assert near[2] > middle[2]


def test_a_camera_has_a_right_handed_view_and_shows_all_points() -> None:
    points = np.random.default_rng(1).normal(20, 30, (50, 3))
    camera = Camera.around(points, (-0.7, 0.8, 0.4), 300, 200)
    np.testing.assert_allclose(camera.axes @ camera.axes.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(np.cross(camera.axes[0], -camera.axes[1]), camera.axes[2], atol=1e-12)
    seen = camera.project(points)
    assert (seen[:, :2] >= 0).all()
    assert (seen[:, :2] <= (300, 200)).all()


def test_each_mesh_is_seen_in_its_colour_on_its_side() -> None:
    meshes = {1: cuboid((-40, 0, -20), (-5, 10, 20)), 2: cuboid((5, 0, -20), (40, 10, 20))}
    camera = Camera.around(np.concatenate([mesh.vertices for mesh in meshes.values()]), FRONT, 160, 120)
    picture = render(meshes, {1: (220, 20, 20), 2: (20, 20, 220)}, camera)
    assert picture.shape == (120, 160, 4)
    patients_right, patients_left = picture[60, 30], picture[60, 130]
    assert patients_right[2] > patients_right[0] + 50
    assert patients_left[0] > patients_left[2] + 50
    assert picture[60, 80, 3] == picture[2, 2, 3] == 0


def test_edges_are_antialiased_and_cover_what_they_should() -> None:
    balls, _ = ball(20)
    meshes = extract_meshes(balls)
    camera = Camera.around(meshes[1].vertices, (-0.7, 0.8, 0.4), 120, 120)
    opacity = render(meshes, {1: (200, 200, 200)}, camera)[..., 3] / 255
    assert opacity.sum() == pytest.approx(np.pi * (20 * camera.scale) ** 2, rel=0.02)
    assert 0 < np.count_nonzero((opacity > 0) & (opacity < 1)) < 0.1 * opacity.size


def test_light_falls_from_the_upper_left() -> None:
    meshes = extract_meshes(ball(20)[0])
    camera = Camera.around(meshes[1].vertices, FRONT, 120, 120)
    grey = render(meshes, {1: (200, 200, 200)}, camera)[..., 0].astype(int)
    assert grey[40, 40] > grey[60, 60] > grey[80, 80] > 20


def test_a_plain_sees_the_whole_sky_whatever_its_tilt_and_a_pit_does_not() -> None:
    rows, columns = np.indices((90, 80))
    tilted = (1.5 * rows - 0.7 * columns).astype(np.float32)
    np.testing.assert_allclose(openness(tilted)[35:-35, 35:-35], 1, atol=1e-5)
    pit = np.where(np.hypot(rows - 45, columns - 40) < 6, -20.0, 0.0)
    assert openness(pit)[45, 40] < 0.4
    assert openness(pit)[5, 5] > 0.95


def test_nothing_seen_has_an_openness_too() -> None:
    assert np.isfinite(openness(np.full((40, 50), -np.inf, np.float32))).all()


def test_srgb_there_and_back() -> None:
    levels = np.linspace(0, 1, 101)
    np.testing.assert_allclose(to_srgb(to_linear(levels)), levels, atol=1e-6)
    assert to_linear(np.array(0.5)) == pytest.approx(0.21404, abs=1e-5)


def test_the_surface_is_dark_where_the_scan_beneath_it_is() -> None:
    balls, centre = ball(20)
    mesh = extract_meshes(balls)[1]
    voxels = np.full((1, *balls.geometry.shape), 100.0)
    voxels[:, : round(centre[0])] = 20.0
    brightness = brightness_beneath(Volume(voxels, balls.geometry), mesh)
    side = mesh.vertices[:, 0] - centre[0]
    assert brightness[side < -6].max() < 0.5
    assert brightness[side > 6].min() > 0.9


def test_an_even_scan_leaves_the_colour_alone() -> None:
    balls, _ = ball(8)
    volume = Volume(np.full((1, *balls.geometry.shape), 7.0), Geometry(balls.geometry.shape, np.eye(4)))
    np.testing.assert_array_equal(brightness_beneath(volume, extract_meshes(balls)[1]), 1)
