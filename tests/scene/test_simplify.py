from __future__ import annotations

import numpy as np
import pytest

from phantoms import ball, cuboid, labelmap
from vesalius.errors import UsageError
from vesalius.scene.mesh import Mesh, extract_meshes
from vesalius.scene.simplify import simplify
from vesalius.scene.topology import is_closed, overused_edges


@pytest.mark.parametrize("reduction", [0.5, 0.9])
def test_a_simpler_ball_is_still_the_ball(reduction: float) -> None:
    balls, centre = ball(15)
    full, simpler = extract_meshes(balls)[1], extract_meshes(balls, reduction=reduction)[1]
    assert len(simpler.triangles) == pytest.approx((1 - reduction) * len(full.triangles), rel=0.02)
    assert simpler.is_watertight
    assert simpler.volume == pytest.approx(full.volume, rel=0.005)
    np.testing.assert_allclose(simpler.centroid, centre, atol=0.1)


@pytest.mark.parametrize("reduction", [0.3, 0.6, 0.9])
def test_what_is_hard_to_simplify_stays_closed(reduction: float) -> None:
    noise = np.random.default_rng(5).integers(0, 3, (16, 16, 16)).astype(np.uint8)
    for mesh in extract_meshes(labelmap(noise), reduction=reduction).values():
        assert mesh.is_watertight
        assert mesh.volume > 0


@pytest.mark.parametrize("reduction", [-0.1, 1.0])
def test_a_share_beyond_all_triangles_is_refused(reduction: float) -> None:
    with pytest.raises(UsageError, match="below 1"):
        extract_meshes(ball(4)[0], reduction=reduction)


def test_two_bodies_that_share_an_edge_are_closed_again_after_a_collapse(monkeypatch: pytest.MonkeyPatch) -> None:
    points, triangles = _touching_at_an_edge()
    assert overused_edges(triangles).tolist() == [[0, 1]]
    _collapse_to(monkeypatch, points, triangles)
    mended = Mesh(*simplify(*_any_surface(), 0.5))
    assert mended.is_watertight
    assert mended.volume == pytest.approx(Mesh(points, triangles).volume, rel=0.02)


def test_triangles_back_to_back_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    cube = cuboid((0, 0, 0), (1, 1, 1))
    points = np.concatenate([cube.vertices, [[2.0, 2.0, 2.0]]])
    fold = np.array([[0, 1, 8], [0, 8, 1]], dtype=np.int32)
    _collapse_to(monkeypatch, points, np.concatenate([cube.triangles, fold]))
    mended = Mesh(*simplify(*_any_surface(), 0.5))
    assert mended.is_watertight
    assert len(mended.triangles) == len(cube.triangles)


def test_a_surface_that_cannot_be_mended_comes_back_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    cube = cuboid((0, 0, 0), (1, 1, 1))
    _collapse_to(monkeypatch, cube.vertices, cube.triangles[1:])
    points, triangles = simplify(*_any_surface(), 0.5)
    np.testing.assert_array_equal(triangles, _any_surface()[1])
    np.testing.assert_array_equal(points, _any_surface()[0])


def test_closed_means_two_triangles_an_edge_that_run_opposite_ways() -> None:
    tetrahedron = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])
    assert is_closed(tetrahedron)
    assert not is_closed(tetrahedron[:3])
    assert not is_closed(np.concatenate([tetrahedron[:3], tetrahedron[3:, ::-1]]))
    assert not is_closed(np.concatenate([tetrahedron, tetrahedron]))
    assert not is_closed(np.zeros((0, 3), int))


def _touching_at_an_edge() -> tuple[np.ndarray, np.ndarray]:
    points = np.array([[0, 0, 0], [0, 0, 1], [1, 0, 0], [1, 1, 0.5], [-1, 0, 0], [-1, -1, 0.5]], dtype=float)
    one = np.array([[0, 1, 3], [1, 0, 2], [0, 3, 2], [1, 2, 3]])
    other = np.array([[0, 1, 5], [1, 0, 4], [0, 5, 4], [1, 4, 5]])
    both = np.concatenate([one, other]).astype(np.int32)
    if Mesh(points, both).volume < 0:
        both = both[:, ::-1]
    return points, np.ascontiguousarray(both)


def _any_surface() -> tuple[np.ndarray, np.ndarray]:
    cube = cuboid((5, 5, 5), (6, 6, 6))
    return cube.vertices, cube.triangles


def _collapse_to(monkeypatch: pytest.MonkeyPatch, points: np.ndarray, triangles: np.ndarray) -> None:
    import fast_simplification

    monkeypatch.setattr(fast_simplification, "simplify", lambda *_, **__: (points, triangles))
