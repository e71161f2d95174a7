from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phantoms import ball
from vesalius.scene.mesh import Mesh, extract_meshes
from vesalius.scene.raster import rasterize


def sphere(radius: float, centre: tuple[float, float, float], subdivisions: int = 5) -> Mesh:
    import trimesh

    shape = trimesh.creation.icosphere(subdivisions, radius)
    flipped = shape.vertices * (1, -1, 1)  # camera space: y points down
    return Mesh(flipped + centre, shape.faces.astype(np.int32))


def test_a_sphere_has_the_depth_and_the_outline_of_a_sphere() -> None:
    radius, (x, y, z) = 40.0, (60.3, 45.8, -7.0)
    mesh = sphere(radius, (x, y, z))
    seen = rasterize(mesh.vertices, mesh.triangles, 120, 90)
    rows, columns = np.divmod(seen.pixel, 120)
    aside = np.hypot(columns + 0.5 - x, rows + 0.5 - y)
    assert len(np.unique(seen.pixel)) == len(seen.pixel) == pytest.approx(np.pi * radius**2, rel=0.003)
    inner = aside < 0.95 * radius
    np.testing.assert_allclose(seen.depth[inner], z + np.sqrt(radius**2 - aside[inner] ** 2), atol=0.2)


def test_weights_give_back_the_pixel_and_its_depth() -> None:
    mesh = sphere(30.0, (35.0, 32.0, 4.0), 3)
    seen = rasterize(mesh.vertices, mesh.triangles, 70, 64)
    points = np.einsum("pc,pcx->px", seen.weight, mesh.vertices[mesh.triangles[seen.triangle]])
    rows, columns = np.divmod(seen.pixel, 70)
    np.testing.assert_allclose(points, np.column_stack([columns + 0.5, rows + 0.5, seen.depth]), atol=1e-3)
    assert seen.weight.min() > -1e-4


def test_a_mesh_of_a_ball_has_no_holes_and_shows_its_front() -> None:
    mesh = extract_meshes(ball(12)[0])[1]
    points = mesh.vertices * (3, -3, 3) + (0, 100, 0)
    seen = rasterize(points, mesh.triangles, 100, 100)
    covered = np.zeros((100, 100), bool)
    covered.reshape(-1)[seen.pixel] = True
    for line in (*covered, *covered.T):  # of a convex body, every row and column is one stretch
        assert np.count_nonzero(np.diff(line.astype(int)) == 1) <= 1
    assert (seen.depth > points[:, 2].mean() - 1).all()


def test_turned_inside_out_nothing_of_a_plate_is_seen() -> None:
    points = np.array([[10.0, 10, 0], [10, 30, 0], [30, 10, 0]])
    assert len(rasterize(points, np.array([[0, 1, 2]]), 40, 40).pixel) == 190
    assert len(rasterize(points, np.array([[0, 2, 1]]), 40, 40).pixel) == 0


def test_what_leaves_the_picture_is_cut_off() -> None:
    points = np.array([[-50.0, -50, 0], [-50, 500, 0], [500, -50, 0]])
    assert len(rasterize(points, np.array([[0, 1, 2]]), 8, 6).pixel) == 48
    assert len(rasterize(points - 1000, np.array([[0, 1, 2]]), 8, 6).pixel) == 0


def test_no_triangles_no_fragments() -> None:
    assert len(rasterize(np.zeros((0, 3)), np.zeros((0, 3), int), 5, 5).pixel) == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_random_triangles_agree_with_trying_every_pixel(seed: int) -> None:
    points = np.random.default_rng(seed).uniform(-5, 25, (18, 3))
    triangles = np.arange(18).reshape(6, 3)
    seen = rasterize(points, triangles, 20, 17)
    expected = _every_pixel(points, triangles, 20, 17)
    assert {int(p): int(t) for p, t in zip(seen.pixel, seen.triangle, strict=True)} == expected


def _every_pixel(points: np.ndarray, triangles: np.ndarray, width: int, height: int) -> dict[int, int]:
    best: dict[int, tuple[float, int]] = {}
    for number, corners in enumerate(points[triangles]):
        matrix = np.vstack([corners[:, :2].T, np.ones(3)])
        if np.linalg.det(matrix) >= 0:
            continue
        for pixel in range(width * height):
            row, column = divmod(pixel, width)
            weights = np.linalg.solve(matrix, [column + 0.5, row + 0.5, 1])
            depth = float(weights @ corners[:, 2])
            if weights.min() >= 0 and depth > best.get(pixel, (-np.inf, 0))[0]:
                best[pixel] = depth, number
    return {pixel: number for pixel, (_, number) in best.items()}
