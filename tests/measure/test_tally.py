"""Counting labels plane by plane, against numpy over the whole array."""

from __future__ import annotations

import numpy as np
import pytest

from vesalius.measure.tally import tally_labels

VALUES = (1, 40, 65_000)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.uint64])
def test_planes_and_boxes(dtype, order):
    voxels = np.random.default_rng(0).choice([0, 0, 0, 0, 1, 2, 40, 65_000, 65_001], size=(5, 7, 6))
    voxels[:2][voxels[:2] == 40] = 0
    tallies = tally_labels(np.array(voxels, dtype=dtype, order=order), VALUES)
    assert set(tallies) == set(VALUES)
    for value, tally in tallies.items():
        mask = voxels == value
        assert tally.count == mask.sum()
        for axis in range(3):
            others = tuple(other for other in range(3) if other != axis)
            assert tally.planes[axis].tolist() == mask.sum(axis=others).tolist()
        where = np.argwhere(mask)
        assert tally.box.start == tuple(where.min(axis=0))
        assert tally.box.stop == tuple(where.max(axis=0) + 1)


def test_absent_and_negative_values():
    voxels = np.array([-3, 0, 5, -3], np.int16).reshape(2, 2, 1)
    assert tally_labels(voxels, (5, 6))[6].count == 0
    assert tally_labels(voxels, (5, 6))[5].count == 1
    assert tally_labels(voxels, ()) == {}
