from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from vesalius.errors import DatasetError
from vesalius.train.data import Dataset
from vesalius.train.evaluate.naming import model_values, renumbered


def spec(task, names):
    return SimpleNamespace(task=task, labels={value: SimpleNamespace(name=name) for value, name in names.items()})


def values(classes, names, task="segment"):
    return model_values(Dataset(Path("data"), "some", (), classes), spec(task, names))


def test_names_count_where_the_model_has_all_of_them():
    assert values({0: "background", 1: "Posterior", 2: "anterior"}, {1: "anterior", 2: "posterior"}) == {1: 2, 2: 1}
    assert values({0: "ill", 1: "well"}, {0: "well", 1: "ill"}, "classify") == {0: 1, 1: 0}
    assert values({5: "vessel"}, {1: "artery", 3: "vessel"}) == {5: 3}


def test_else_numbers_count():
    assert values({}, {1: "a"}) == {}
    assert values({1: "left", 2: "right"}, {1: "anterior", 2: "posterior"}) == {}
    assert values({0: "0", 1: "1"}, {0: "well", 1: "ill"}, "classify") == {}
    assert values({1: "anterior", 2: "else"}, {1: "anterior", 2: "posterior"}) == {}


def test_names_that_contradict_the_numbers_are_refused():
    with pytest.raises(DatasetError, match="which is which"):
        values({1: "posterior", 2: "else"}, {1: "anterior", 2: "posterior"})


def test_numbers_are_exchanged_and_others_stay():
    voxels = np.array([[0, 1, 2], [7, 2, 1]], np.uint8)
    assert renumbered(voxels, {1: 2, 2: 1}).tolist() == [[0, 2, 1], [7, 1, 2]]
    assert renumbered(voxels, {5: 3, 7: 300}).tolist() == [[0, 1, 2], [300, 2, 1]]
    assert renumbered(voxels, {}) is voxels
