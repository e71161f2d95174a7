"""How the triangles of a mesh hang together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def is_closed(triangles: NDArray[np.integer[Any]]) -> bool:
    """Whether every edge of ``triangles`` (T, 3) has exactly two triangles, running along it in opposite directions."""
    if not len(triangles):
        return False
    start = triangles.ravel().astype(np.int64)
    stop = triangles[:, (1, 2, 0)].ravel().astype(np.int64)
    base = int(triangles.max()) + 1
    forth = np.sort(start * base + stop)
    back = np.sort(stop * base + start)
    return bool((start != stop).all() and (forth[1:] != forth[:-1]).all() and np.array_equal(forth, back))
