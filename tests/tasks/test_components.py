"""Connected parts against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from vesalius.tasks.components import filled, largest_component

RNG = np.random.default_rng(2)


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_largest_26_connected_part_is_scipys(order) -> None:
    mask = np.asarray(RNG.random((20, 17, 23)) < 0.08, order=order)
    parts, _ = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    sizes = np.bincount(parts.ravel())[1:]
    assert (sizes == sizes.max()).sum() == 1
    np.testing.assert_array_equal(largest_component(mask), parts == sizes.argmax() + 1)


def test_nothing_has_no_largest_part() -> None:
    assert not largest_component(np.zeros((4, 5, 6), bool)).any()


@pytest.mark.parametrize("view", [lambda a: a, lambda a: a[::-1, :, ::-1], lambda a: a.transpose(2, 0, 1)])
def test_holes_are_scipys_also_in_a_reordered_view(view) -> None:
    mask = view(ndimage.binary_dilation(RNG.random((18, 15, 21)) < 0.1))
    expected = ndimage.binary_fill_holes(mask)
    assert expected.sum() > mask.sum()
    np.testing.assert_array_equal(filled(mask), expected)


def test_a_hollow_that_touches_the_edge_is_no_hole() -> None:
    mask = np.zeros((7, 7, 7), bool)
    mask[:4, 1:6, 1:6] = True
    mask[:3, 2:5, 2:5] = False
    np.testing.assert_array_equal(filled(mask), mask)
