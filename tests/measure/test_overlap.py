from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import dice as dice_distance
from scipy.spatial.distance import jaccard as jaccard_distance

from vesalius.errors import GeometryError
from vesalius.measure.overlap import dice, iou


@pytest.mark.parametrize("value", [1, 2])
def test_agrees_with_scipy(value):
    a, b = np.random.default_rng(0).integers(0, 3, (2, 4, 5, 6))
    in_a, in_b = (a == value).ravel(), (b == value).ravel()
    assert dice(a, b, value) == pytest.approx(1 - dice_distance(in_a, in_b))
    assert iou(a, b, value) == pytest.approx(1 - jaccard_distance(in_a, in_b))
    assert dice(in_a, in_b) == pytest.approx(dice(a, b, value))


def test_by_hand():
    a, b = np.array([1, 1, 1, 0]), np.array([0, 1, 1, 1])
    assert (dice(a, b), iou(a, b)) == (2 * 2 / 6, 2 / 4)


def test_nothing_agrees_with_nothing_and_not_with_something():
    nothing, something = np.zeros(5, bool), np.ones(5, bool)
    assert (dice(nothing, nothing), iou(nothing, nothing)) == (1, 1)
    assert (dice(nothing, something), iou(something, nothing)) == (0, 0)


def test_different_grids_are_refused():
    with pytest.raises(GeometryError, match="different grids"):
        dice(np.zeros((2, 3)), np.zeros((3, 2)))
