"""The number types that files hold."""

from __future__ import annotations

import numpy as np

from vesalius.volume import Array

_NARROW = (np.uint8, np.uint16, np.int16, np.int32, np.uint32)


def plain(array: Array) -> Array:
    """``array`` in native byte order and a type that every format knows: integers, float32 or float64."""
    if array.dtype == np.bool_:
        return array.astype(np.uint8)
    if array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
        return array.astype(np.float32 if array.dtype.itemsize < 4 else np.float64)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def narrowed(array: Array) -> Array:
    """Integers in the smallest type that holds their values, preferring the unsigned."""
    low, high = int(array.min()), int(array.max())
    for dtype in _NARROW:
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return array.astype(dtype, copy=False)
    return array


def storable(array: Array) -> Array:
    """`plain`, and 64-bit integers `narrowed`: few programs read those."""
    array = plain(array)
    return narrowed(array) if array.dtype in (np.int64, np.uint64) else array
