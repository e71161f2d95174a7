import numpy as np
import pytest

from vesalius.io.arrays import narrowed, plain, storable


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([0, 255], np.uint8),
        ([0, 256], np.uint16),
        ([-1, 255], np.int16),
        ([-1, 40_000], np.int32),
        ([0, 2**32 - 1], np.uint32),
        ([-1, 2**32], np.int64),
    ],
)
def test_integers_go_into_the_smallest_type_that_holds_them(values, wanted):
    array = np.array(values, dtype=np.int64)
    assert narrowed(array).dtype == wanted
    assert np.array_equal(narrowed(array), array)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [("?", "u1"), ("f2", "f4"), (">f8", "=f8"), (">i2", "=i2"), ("g", "f8"), ("u1", "u1"), ("i8", "i8")],
)
def test_plain_types_keep_the_values(given, wanted):
    array = np.array([0, 1, 1, 0], dtype=given)
    assert plain(array).dtype == np.dtype(wanted)
    assert plain(array).dtype.isnative
    assert np.array_equal(plain(array), array)


def test_only_integers_of_64_bits_are_narrowed_for_storage():
    assert storable(np.array([1, 2], dtype=np.int64)).dtype == np.uint8
    assert storable(np.array([1, 2], dtype=np.int32)).dtype == np.int32
