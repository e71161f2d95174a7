"""Areas against closed forms and marching cubes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from skimage.measure import marching_cubes, mesh_surface_area

from grids import rotation
from vesalius.measure.surface import surface_area


def solid(inside, axes, radius):
    """Voxels (I, J, K), of edges ``axes`` (3, 3), of the set ``inside`` (points mm → bool) around the origin."""
    half = np.ceil(radius / np.linalg.norm(axes, axis=0)).astype(int) + 1
    index = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in half), indexing="ij"), axis=-1)
    return inside((index + np.array([0.1, 0.2, 0.3])) @ axes.T)


def ball(radius):
    return lambda points: np.linalg.norm(points, axis=-1) <= radius


OBLIQUE = rotation((0.9, 0.2, -0.3, 0.4))


@pytest.mark.parametrize(
    ("spacing", "radius", "tolerance"),
    [
        ((1, 1, 1), 5, 0.02),
        ((1, 1, 1), 20, 0.01),
        ((0.5, 1, 2), 20, 0.02),
        ((0.43, 0.43, 5), 70, 0.03),
        ((3, 1, 1), 40, 0.02),
    ],
)
@pytest.mark.parametrize("turn", [np.eye(3), OBLIQUE, np.diag([-1, 1, -1]) @ OBLIQUE])
def test_ball(spacing, radius, tolerance, turn):
    axes = turn @ np.diag(spacing).astype(float)
    area = surface_area(solid(ball(radius), axes, radius), axes)
    assert area == pytest.approx(4 * np.pi * radius**2, rel=tolerance)


def test_ball_on_a_sheared_grid():
    axes = np.array([[1, 0.3, 0], [0, 1, 0.2], [0, 0, 1.5]])
    assert surface_area(solid(ball(20), axes, 40), axes) == pytest.approx(4 * np.pi * 20**2, rel=0.02)


@pytest.mark.parametrize("turn", [np.eye(3), OBLIQUE, rotation((1, 0.3, 0.1, 0)), rotation((1, 0, 0, np.sqrt(2) - 1))])
@pytest.mark.parametrize("spacing", [(1, 1, 1), (0.6, 0.8, 2.4)])
def test_cube_cut_obliquely(turn, spacing):
    axes = turn @ np.diag(spacing).astype(float)
    cube = solid(lambda points: np.abs(points).max(axis=-1) <= 20, axes, 36)
    assert surface_area(cube, axes) == pytest.approx(6 * 40**2, rel=0.1)


def test_ellipsoid_agrees_with_marching_cubes_over_a_smooth_field():
    axes = np.diag([1.0, 1.2, 2.0])
    index = np.stack(np.meshgrid(np.arange(-40, 41), np.arange(-30, 31), np.arange(-25, 26), indexing="ij"), axis=-1)
    field = np.linalg.norm(index @ axes.T / (35, 25, 40), axis=-1)
    vertices, faces, *_ = marching_cubes(field, 1.0, spacing=(1.0, 1.2, 2.0))
    assert surface_area(field <= 1, axes) == pytest.approx(mesh_surface_area(vertices, faces), rel=0.02)


def test_two_bodies_add_up_and_holes_count():
    axes = np.eye(3)
    outer, inner = solid(ball(20), axes, 20), solid(ball(10), axes, 20)
    two = np.concatenate([outer, outer])
    assert surface_area(two, axes) == pytest.approx(2 * surface_area(outer, axes), rel=0.01)
    shell = outer & ~inner
    assert surface_area(shell, axes) == pytest.approx(surface_area(outer, axes) + surface_area(inner, axes), rel=1e-9)


def test_the_cut_at_the_edge_of_the_array_counts():
    axes = np.eye(3)
    whole = solid(ball(20), axes, 20)
    half = whole[: whole.shape[0] // 2]
    assert surface_area(half, axes) == pytest.approx(3 * np.pi * 20**2, rel=0.05)
    assert surface_area(half, axes) == pytest.approx(surface_area(np.pad(half, 3), axes))


def test_rough_surface_is_larger():
    smooth = solid(ball(20), np.eye(3), 20)
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=smooth.shape), 1.5)
    rough = smooth ^ (ndimage.binary_dilation(smooth, iterations=2) & ~ndimage.binary_erosion(smooth) & (noise > 0.05))
    assert surface_area(rough, np.eye(3)) > 1.2 * surface_area(smooth, np.eye(3))


def test_nothing_has_no_area():
    assert surface_area(np.zeros((3, 4, 5), bool), np.eye(3)) == 0
