"""Where the labels are: one pass over a labelmap, from which counts, boxes and centres of mass follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vesalius.volume import Array, FloatArray, Geometry, IndexBox

Counts = np.ndarray[tuple[int], np.dtype[np.intp]]


@dataclass(frozen=True, eq=False)
class Tally:
    """How many voxels of one label lie in each plane of the grid: ``planes[axis][n]``, n-th plane of ``axis``."""

    planes: tuple[Counts, Counts, Counts]

    @property
    def count(self) -> int:
        """Number of voxels."""
        return int(self.planes[0].sum())

    @property
    def box(self) -> IndexBox:
        """The smallest box of whole voxels that holds the label, which must not be empty."""
        ends = [np.flatnonzero(plane)[[0, -1]] for plane in self.planes]
        (i0, i1), (j0, j1), (k0, k1) = ((int(low), int(high) + 1) for low, high in ends)
        return IndexBox((i0, j0, k0), (i1, j1, k1))

    def centre(self, geometry: Geometry) -> FloatArray:
        """(3) centre of mass in mm, of a label that must not be empty."""
        index = [np.arange(len(plane)) @ plane / self.count for plane in self.planes]
        return geometry.to_world(index)


def tally_labels(voxels: Array, values: Sequence[int]) -> dict[int, Tally]:
    """Count the voxels (I, J, K) of each of ``values``, plane by plane along each axis; other values are passed over.

    One slice is looked at at a time, so that nothing of the volume's size is made.
    """
    known = np.array(sorted(values), dtype=np.int64)
    planes = [np.zeros((len(known), n), dtype=np.intp) for n in voxels.shape]
    if len(known) > 0:
        for k in range(voxels.shape[2]):
            _tally_slice(voxels[:, :, k], known, planes, k)
    return {int(v): Tally((planes[0][n], planes[1][n], planes[2][n])) for n, v in enumerate(known)}


def _tally_slice(plane: Array, known: Array, planes: list[Array], k: int) -> None:
    i, j = np.nonzero(plane)
    found = plane[i, j].astype(np.int64)
    label = np.searchsorted(known, found).clip(max=len(known) - 1)
    ours = known[label] == found
    if not ours.all():
        i, j, label = i[ours], j[ours], label[ours]
    for axis, position in enumerate((i, j)):
        rows, length = planes[axis].shape
        planes[axis] += np.bincount(label * length + position, minlength=rows * length).reshape(rows, length)
    planes[2][:, k] = np.bincount(label, minlength=len(known))
