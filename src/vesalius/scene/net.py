"""What surface nets are made of; all points are in INDEX."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.volume import FloatArray

IntArray = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Net:
    """Vertices before and after smoothing (V, 3), ``quads`` (Q, 4) of them, and the labels on their ``sides`` (Q, 2).

    Seen from the side of label ``sides[:, 1]``, a quad runs counter-clockwise.
    """

    lattice: FloatArray
    points: FloatArray
    quads: IntArray
    sides: IntArray

    def edges(self) -> IntArray:
        """(Q, 4): a number for the edge from each corner to the next; quads that share an edge share its number."""
        place = places(self.lattice)
        numbers = np.empty(self.quads.shape, dtype=np.int64)
        for corner in range(4):
            start, stop = self.quads[:, corner], self.quads[:, (corner + 1) % 4]
            axis, forward = direction(place, start, stop)
            numbers[:, corner] = 3 * np.where(forward, start, stop) + axis
        return numbers


def places(lattice: FloatArray) -> FloatArray:
    """(V,): a number whose difference between neighbours tells in which direction they lie, see `direction`."""
    place: FloatArray = lattice @ np.array([1.0, 2.0, 3.0])
    return place


def direction(place: FloatArray, start: IntArray, stop: IntArray) -> tuple[IntArray, NDArray[np.bool_]]:
    """The axis along which ``stop`` lies one voxel from ``start``, and whether towards larger indices."""
    step = place[stop] - place[start]
    return np.abs(step).astype(np.int64) - 1, step > 0
