"""Gaussian filtering of values at points in a space of several dimensions, in time linear in their number.

Adams, Baek and Davis, "Fast high-dimensional filtering using the permutohedral lattice", Eurographics 2010: values are
splatted onto the d + 1 corners of the simplex each point lies in, blurred along the lattice's d + 1 axes, and gathered
from the same corners.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Permutohedral:
    """Filters with the kernel exp(-|p - q|² / 2) between points; ``points`` is (N, d)."""

    def __init__(self, points: Floats) -> None:
        corners, self._weights = _corners(points)
        codes, steps = _coded(corners)
        lattice, inverse = np.unique(codes, return_inverse=True)
        self._index = inverse.reshape(codes.shape)
        self._size = lattice.size
        self._neighbours = [(_find(lattice, lattice + step), _find(lattice, lattice - step)) for step in steps]

    def __call__(self, values: Floats) -> Floats:
        """(L, N) → (L, N): at each point the sum over all points, itself included, weighted by the kernel.

        The kernel's height is that of the lattice, which varies a little; divide by the filtered ones to average.
        """
        return np.stack([self._gathered(self._blurred(self._splatted(row))) for row in values])

    def _splatted(self, values: Floats) -> Floats:
        """(N,) → the lattice's values, with a 0 at the end for neighbours that are not there."""
        weighted = self._weights * values[:, None]
        return np.bincount(self._index.ravel(), weighted.ravel(), self._size + 1).astype(np.float64, copy=False)

    def _blurred(self, lattice: Floats) -> Floats:
        for before, after in self._neighbours:
            lattice[:-1] += 0.5 * (lattice[before] + lattice[after])
        return lattice

    def _gathered(self, lattice: Floats) -> Floats:
        gathered: Floats = np.einsum("nc,nc->n", self._weights, lattice[self._index])
        return gathered


def _corners(points: Floats) -> tuple[Integers, Floats]:
    """The corners (N, d + 1, d) of each point's simplex and their barycentric weights (N, d + 1).

    A lattice point has d + 1 integer coordinates with sum 0; its last one follows from the others and is left out.
    """
    elevated = _elevated(points)
    d = points.shape[1]
    base = np.rint(elevated / (d + 1)).astype(np.int64) * (d + 1)
    excess = base.sum(1, keepdims=True) // (d + 1)
    order = np.argsort(base - elevated, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(d + 1)[None], axis=1)
    rank += excess  # rounding may have left the plane of sum 0: the coordinates it erred most on go back
    shift = (d + 1) * ((rank < 0).astype(np.int64) - (rank > d))
    rank, base = rank + shift, base + shift
    offset = np.empty_like(elevated)
    np.put_along_axis(offset, rank, (elevated - base) / (d + 1), axis=1)  # descending by rank
    weights = np.empty_like(elevated)
    weights[:, 0] = 1 + offset[:, d] - offset[:, 0]
    weights[:, 1:] = (offset[:, :-1] - offset[:, 1:])[:, ::-1]
    number = np.arange(d + 1)[None, :, None]
    corners = base[:, None, :d] + number - (d + 1) * (rank[:, None, :d] > d - number)
    return corners, weights


def _elevated(points: Floats) -> Floats:
    """Points in the plane of sum 0 of d + 1 dimensions, scaled so that splatting and blurring make deviation 1."""
    d = points.shape[1]
    axis = np.arange(1, d + 1)
    scaled = points * (np.sqrt(2 / 3) * (d + 1) / np.sqrt(axis * (axis + 1)))
    following = np.zeros((len(points), d + 1))
    following[:, :d] = np.cumsum(scaled[:, ::-1], axis=1)[:, ::-1]
    following[:, 1:] -= axis * scaled
    return following


def _coded(corners: Integers) -> tuple[Integers, list[int]]:
    """Each corner as one number (N, d + 1), and by how much a step along each of the d + 1 axes changes it."""
    d = corners.shape[2]
    low = corners.min((0, 1)) - (d + 1)
    lengths = corners.max((0, 1)) - low + (d + 2)  # with room for a step beyond either end
    radix = np.concatenate([[1], np.cumprod(lengths[:-1])])
    along = int(radix.sum())
    return (corners - low) @ radix, [*(along - (d + 1) * int(place) for place in radix), along]


def _find(lattice: Integers, wanted: Integers) -> Integers:
    """Where ``wanted`` are in the sorted ``lattice``; its length where they are not."""
    places = np.searchsorted(lattice, wanted)
    there = lattice[np.minimum(places, lattice.size - 1)] == wanted
    return np.where(there, places, lattice.size)
