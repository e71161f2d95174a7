"""Extents against closed forms and scipy's convex hull."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from grids import rotation
from vesalius.measure.diameters import diameters, hull_corners

OFFSETS = np.array(list(product((-0.5, 0.5), repeat=3)))
MASKS = arrays(bool, st.tuples(*[st.integers(1, 7)] * 3)).filter(np.any)


def all_corners(mask):
    return np.unique((np.argwhere(mask)[:, None] + OFFSETS).reshape(-1, 3), axis=0)


@settings(max_examples=150, deadline=None)
@given(MASKS)
def test_every_corner_of_the_convex_hull_is_there_and_nothing_but_corners(mask):
    corners = all_corners(mask)
    hull = {tuple(corner) for corner in corners[ConvexHull(corners).vertices]}
    found = {tuple(corner) for corner in hull_corners(mask)}
    assert hull <= found <= {tuple(corner) for corner in corners}


@settings(max_examples=80, deadline=None)
@given(MASKS, st.tuples(*[st.floats(0.3, 6)] * 3))
def test_largest_diameter_is_that_of_all_corners(mask, spacing):
    axes = rotation((0.9, 0.2, -0.3, 0.4)) @ np.diag(spacing)
    first, second, third = diameters(hull_corners(mask) @ axes.T)
    assert first == pytest.approx(pdist(all_corners(mask) @ axes.T).max())
    assert first * (1 + 1e-9) >= second
    assert second * (1 + 1e-9) >= third > 0


@pytest.mark.parametrize("turn", [np.eye(3), rotation((0.9, 0.2, -0.3, 0.4))])
def test_ellipsoid(turn):
    """Its axes, each one voxel longer at most."""
    index = np.stack(np.meshgrid(*[np.arange(-45, 46)] * 3, indexing="ij"), axis=-1)
    mask = np.linalg.norm(index @ turn / (40, 30, 20), axis=-1) <= 1
    found = diameters(hull_corners(mask))
    assert found == pytest.approx((80, 60, 40), abs=2)


def test_box():
    """The diagonal; the diagonal of the largest shadow along it; what is left."""
    first, _, _ = diameters(hull_corners(np.ones((30, 4, 12), bool)))
    assert first == pytest.approx(np.sqrt(30**2 + 4**2 + 12**2))


def test_second_and_third_are_seen_along_the_first():
    """A cross of three bars of 101, 61 and 21 voxels, one voxel thick."""
    mask = np.zeros((101, 61, 21), bool)
    mask[:, 30, 10] = mask[50, :, 10] = mask[50, 30, :] = True
    assert diameters(hull_corners(mask)) == pytest.approx((101, 61, 21), abs=1.5)


def test_many_points_equally_far_apart():
    """A ball: every direction is as good; the search must neither miss the largest nor take them all."""
    index = np.stack(np.meshgrid(*[np.arange(-30, 31)] * 3, indexing="ij"), axis=-1)
    mask = np.linalg.norm(index, axis=-1) <= 30
    corners = all_corners(mask)
    hull = corners[ConvexHull(corners).vertices]
    assert diameters(hull_corners(mask))[0] == pytest.approx(pdist(hull).max())


def test_a_triangle_has_no_pair_through_its_middle():
    """Three far points whose pairs all lie off the centre: pruning around a guess must keep them."""
    points = np.array([[0, 0, 0], [10, 0, 0], [5, 8.7, 0], [5, 3, 1], [5, 3, -1]])
    assert diameters(points)[0] == pytest.approx(pdist(points).max())
