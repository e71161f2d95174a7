"""Whether an organ lies as organs of its kind lie: its shape, turned every way, against a reference shape.

The orientation in a scan's header may be wrong while its voxels look fine. An organ that is symmetric about the
patient's midline cannot betray exchanged left and right: a mirror image of it is a turned one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

from vesalius.volume import Array, FloatArray, Geometry, sample

_EDGE = 1.6  # of the cube that is looked at, in cube roots of the organ's volume: a brain just fits
_SUPERSAMPLING = 2
_TILTS = (-30.0, -15.0, 0.0, 15.0, 30.0)  # degrees about each axis, on top of each of the 24 turns of a cube
_UPRIGHT_WITHIN = 50.0  # degrees: a patient's head may be tilted so far
_TURNED_FROM = 60.0
_ROTATIONS_AT_ONCE = 50


@dataclass(frozen=True, eq=False)
class ShapeFit:
    """How well a shape fits the reference as it lies, and turned; ``turn`` (3, 3) is the nearest turn of a cube.

    ``turn`` maps the patient's axes in the scan's header to those of the reference.
    """

    as_it_lies: float
    turned: float
    turn: FloatArray


def occupancy(mask: NDArray[np.bool_], geometry: Geometry, size: int = 20) -> NDArray[np.float32]:
    """(size, size, size) share of each cell that ``mask`` (I, J, K) fills, in a cube along the patient's axes (RAS).

    The cube is centred on the mask's centre of mass and scaled to its volume, so that neither place nor size counts.
    The mask must not be empty.
    """
    index = np.argwhere(mask)
    edge = _EDGE * (len(index) * geometry.voxel_volume) ** (1 / 3)
    fine = _centres(size * _SUPERSAMPLING) * edge
    points = np.stack(np.meshgrid(fine, fine, fine, indexing="ij"), axis=-1) + geometry.to_world(index.mean(axis=0))
    inside = sample(mask, geometry.to_index(points), order=0)
    cells = inside.reshape(size, _SUPERSAMPLING, size, _SUPERSAMPLING, size, _SUPERSAMPLING)
    filled: NDArray[np.float32] = cells.mean(axis=(1, 3, 5), dtype=np.float32)
    return filled


def fit_shape(shape: Array, reference: Array) -> ShapeFit:
    """Correlate two `occupancy` arrays (N, N, N) with one turned against the other in steps of 15 degrees."""
    size = len(reference)
    index = np.stack(np.meshgrid(*[np.arange(size)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    points = _centres(size)[index]
    ball = np.linalg.norm(points, axis=1) < 0.5
    points, values = points[ball].astype(np.float32), _standardised(shape[tuple(index[ball].T)])
    rotations, angles = _rotations()
    parts = np.array_split(rotations, len(rotations) // _ROTATIONS_AT_ONCE)
    scores = np.concatenate([_seen_from(reference, points, part) @ values for part in parts])
    upright, turned = angles <= _UPRIGHT_WITHIN, angles >= _TURNED_FROM
    best = rotations[turned][scores[turned].argmax()]
    nearest = max(_cube_turns(), key=lambda turn: float(np.trace(best.T @ turn)))
    return ShapeFit(float(scores[upright].max()), float(scores[turned].max()), nearest)


def _seen_from(reference: Array, points: Array, rotations: Array) -> Array:
    """(R, P): what ``reference`` (N, N, N) holds at ``points`` (P, 3) turned by each rotation, rows standardised."""
    size = len(reference)
    turned = rotations.reshape(-1, 3) @ (points.T * np.float32(size)) + np.float32(size / 2)
    i, j, k = turned.astype(np.int32).reshape(len(rotations), 3, -1).transpose(1, 0, 2)
    place = (i * size + j) * size + k
    values: Array = np.take(reference.ravel(), np.minimum(place, size**3 - 1)).astype(np.float32)
    values -= values.mean(axis=1, keepdims=True)
    values /= np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
    return values


def _centres(size: int) -> FloatArray:
    """Centres of ``size`` cells that divide -0.5 to 0.5."""
    return (np.arange(size) + 0.5) / size - 0.5


def _standardised(values: Array) -> FloatArray:
    centred = values - values.mean()
    norm = np.linalg.norm(centred)
    unit: FloatArray = centred / norm if norm > 0 else centred
    return unit


def _cube_turns() -> Iterator[FloatArray]:
    """The 24 rotations that map a cube onto itself."""
    for order, signs in product(permutations(range(3)), product((1.0, -1.0), repeat=3)):
        turn = np.zeros((3, 3))
        turn[range(3), order] = signs
        if np.linalg.det(turn) > 0:
            yield turn


@lru_cache(maxsize=1)
def _rotations() -> tuple[NDArray[np.float32], FloatArray]:
    """Rotations (R, 3, 3) all over the sphere of rotations, and their angles (R,) in degrees."""
    tilts = np.array([_about(0, a) @ _about(1, b) @ _about(2, c) for a, b, c in product(_TILTS, repeat=3)])
    rotations = (np.array(list(_cube_turns()))[:, None] @ tilts).reshape(-1, 3, 3)
    cosines = np.clip((np.trace(rotations, axis1=1, axis2=2) - 1) / 2, -1, 1)
    return rotations.astype(np.float32), np.degrees(np.arccos(cosines))


def _about(axis: int, degrees: float) -> FloatArray:
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    a, b = (axis + 1) % 3, (axis + 2) % 3
    rotation = np.eye(3)
    rotation[a, a] = rotation[b, b] = cosine
    rotation[a, b], rotation[b, a] = -sine, sine
    return rotation
