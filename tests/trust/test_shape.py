"""The fit of a lopsided body, turned by every right angle and tilted, on any grid."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from grids import rotation
from vesalius.trust.shape import fit_shape, occupancy
from vesalius.trust.wording import attitude, sides
from vesalius.volume import Geometry

TURNS = []
for _order, _signs in product(permutations(range(3)), product((1, -1), repeat=3)):
    _turn = np.zeros((3, 3))
    _turn[range(3), _order] = _signs
    if np.linalg.det(_turn) > 0:
        TURNS.append(_turn)


def body(turn, spacing=(2.0, 2.0, 2.0), grid=None):
    """Voxels, and their geometry, of a body no side of which is like another, turned by ``turn`` about the origin."""
    grid = np.eye(3) if grid is None else grid
    half = np.ceil(75 / np.array(spacing)).astype(int)
    affine = np.eye(4)
    affine[:3, :3] = grid @ np.diag(spacing)
    affine[:3, 3] = -affine[:3, :3] @ half
    geometry = Geometry(tuple(2 * half + 1), affine)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in geometry.shape), indexing="ij"), axis=-1)
    points = geometry.to_world(index) @ turn
    parts = [((0, 0, 0), (30, 50, 22)), ((20, 30, 15), (15, 18, 22)), ((-8, -40, -18), (14, 15, 16))]
    inside = [np.linalg.norm((points - centre) / size, axis=-1) <= 1 for centre, size in parts]
    return np.any(inside, axis=0), geometry


REFERENCE = occupancy(*body(np.eye(3)))


@pytest.mark.parametrize("turn", TURNS)
def test_each_turn_is_told_from_upright(turn):
    fit = fit_shape(occupancy(*body(turn)), REFERENCE)
    if np.array_equal(turn, np.eye(3)):
        assert fit.as_it_lies > 0.99 > fit.turned
    else:
        assert fit.turned > 0.99 > fit.as_it_lies
        assert np.array_equal(fit.turn, turn.T)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("degrees", [-20, 20])
def test_a_tilt_of_20_degrees_is_upright(axis, degrees):
    quaternion = [np.cos(np.radians(degrees / 2)), 0, 0, 0]
    quaternion[axis + 1] = np.sin(np.radians(degrees / 2))
    fit = fit_shape(occupancy(*body(rotation(tuple(quaternion)))), REFERENCE)
    assert fit.as_it_lies > 0.9
    assert fit.as_it_lies > fit.turned + 0.05


@pytest.mark.parametrize("grid", [rotation((0.9, 0.2, -0.3, 0.4)), np.diag([-1.0, 1, -1]), rotation((1, 1, 1, 1))])
@pytest.mark.parametrize("spacing", [(2, 2, 2), (1.5, 2, 5)])
def test_the_grid_does_not_matter(grid, spacing):
    seen = occupancy(*body(np.eye(3), spacing, grid))
    assert np.corrcoef(seen.ravel(), REFERENCE.ravel())[0, 1] > 0.98


def test_occupancy_is_the_share_of_each_cell():
    """A box of 20 × 40 × 10 mm: its volume comes back, and neither its place nor a scale matters."""
    mask = np.zeros((60, 60, 60), bool)
    mask[3:23, 5:45, 7:17] = True
    seen = occupancy(mask, Geometry.from_spacing(mask.shape, (1, 1, 1)), size=16)
    cell = (1.6 * 8000 ** (1 / 3) / 16) ** 3
    assert seen.sum() * cell == pytest.approx(20 * 32 * 10, rel=0.1)  # the cube has an edge of 32 mm
    shifted = np.roll(mask, (5, 6, 7), axis=(0, 1, 2))
    assert np.array_equal(occupancy(shifted, Geometry.from_spacing(mask.shape, (3, 3, 3)), size=16), seen)


def test_constant_shapes_do_not_divide_by_zero():
    fit = fit_shape(np.zeros((8, 8, 8)), np.ones((8, 8, 8)))
    assert (fit.as_it_lies, fit.turned) == (0, 0)


@pytest.mark.parametrize(
    ("front", "top", "words"),
    [
        ((0, 1, 0), (0, 0, -1), "upside-down"),
        ((0, -1, 0), (0, 0, 1), "back-to-front"),
        ((0, -1, 0), (0, 0, -1), "upside-down and back-to-front"),
        ((0, 0, 1), (0, -1, 0), "turned, with its top to the patient's back and its front to the patient's top"),
        ((1, 0, 0), (0, 0, 1), "turned, with its top to the patient's top and its front to the patient's right"),
    ],
)
def test_words(front, top, words):
    """``front`` and ``top``: where these sides of the organ are in the patient, by the header."""
    placed = np.stack([np.cross(front, top), front, top], axis=1).astype(float)
    assert attitude(placed.T) == words


def test_sides_of_a_flipped_permuted_grid():
    affine = np.zeros((4, 4))
    affine[2, 0], affine[0, 1], affine[1, 2], affine[3, 3] = -2, 1, 1, 1
    geometry = Geometry((4, 5, 6), affine)
    assert geometry.orientation == "IRA"
    assert sides(geometry, [(0, -1)]) == "lower"
    assert sides(geometry, [(0, 0), (1, 0), (2, -1)]) == "upper and left and front"
