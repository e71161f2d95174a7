"""A fully connected conditional random field: makes a segmentation follow the borders in the image.

Krähenbühl and Koltun, "Efficient inference in fully connected CRFs with Gaussian edge potentials", NeurIPS 2011, in
two and three dimensions with distances in mm, as in Kamnitsas 2017. Kernels are normalized symmetrically, and a voxel's
own term stays in its sum, as in the authors' code.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from vesalius.models.spec import CRFParameters
from vesalius.tasks.permutohedral import Floats, Permutohedral

_LEAST = 1e-8  # a probability of 0 would be certain beyond appeal


def mean_field(
    probabilities: NDArray[np.floating],
    image: NDArray[np.floating],
    spacing: tuple[float, float, float],
    crf: CRFParameters,
) -> NDArray[np.float32]:
    """The marginals of the field whose unary term is -log ``probabilities`` and whose labels are of Potts's model.

    Args:
        probabilities: (L, I, J, K), sum 1 over L.
        image: (C, I, J, K), what the network saw.
        spacing: mm along I, J, K.
        crf: the parameters.

    Returns:
        (L, I, J, K), sum 1 over L.
    """
    shape = probabilities.shape
    unary = np.log(np.maximum(probabilities.reshape(shape[0], -1).astype(np.float64), _LEAST))
    near = _Smoothness(shape[1:], spacing, crf.smoothness_mm)
    alike = _Normalized(Permutohedral(_features(image, spacing, crf)), unary.shape[1])
    field = _softmax(unary)
    for _ in range(crf.iterations):
        field = _softmax(unary + crf.smoothness * near(field) + crf.appearance * alike(field))
    return field.reshape(shape).astype(np.float32)


def mean_field_bytes(shape: tuple[int, ...], classes: int, channels: int) -> int:
    """About what `mean_field` takes at its peak, at most: that of an image of noise, whose voxels share no corners."""
    corners = sum(length > 1 for length in shape) + channels + 1
    return math.prod(shape) * (8 * corners * (3 * corners + 6) + 40 * classes)


class _Normalized:
    """D^-½ K D^-½, where D is what the kernel K makes of ones."""

    def __init__(self, kernel: Permutohedral, count: int) -> None:
        self._kernel = kernel
        self._scale = 1 / np.sqrt(kernel(np.ones((1, count))))

    def __call__(self, field: Floats) -> Floats:
        return self._kernel(field * self._scale) * self._scale


class _Smoothness:
    """The same with a Gaussian of positions alone, which on a grid is exact: a matrix an axis."""

    def __init__(self, shape: tuple[int, ...], spacing: tuple[float, float, float], deviation: float) -> None:
        self._shape = shape
        self._matrices = [_gaussian(length, step / deviation) for length, step in zip(shape, spacing, strict=True)]

    def __call__(self, field: Floats) -> Floats:
        values = field.reshape(-1, *self._shape)
        for axis, matrix in enumerate(self._matrices, start=1):
            values = np.moveaxis(np.moveaxis(values, axis, -1) @ matrix, -1, axis)
        smooth: Floats = values.reshape(field.shape)
        return smooth


def _gaussian(length: int, step: float) -> Floats:
    """Normalized for its axis: the ones of the whole grid are the product of those of its axes."""
    places = np.arange(length) * step
    kernel: Floats = np.exp(-0.5 * (places[:, None] - places) ** 2)
    scale: Floats = 1 / np.sqrt(kernel.sum(0))
    return scale[:, None] * kernel * scale


def _features(image: NDArray[np.floating], spacing: tuple[float, float, float], crf: CRFParameters) -> Floats:
    """(N, d) in units of the appearance kernel's deviations; an axis of one voxel adds no dimension."""
    axes = [axis for axis, length in enumerate(image.shape[1:]) if length > 1]
    grid = np.indices(image.shape[1:])
    positions = [grid[axis].ravel() * (spacing[axis] / crf.appearance_mm) for axis in axes]
    intensities = [channel.ravel() / crf.appearance_intensity for channel in image]
    return np.stack([*positions, *intensities], axis=1).astype(np.float64)


def _softmax(scores: Floats) -> Floats:
    powers: Floats = np.exp(scores - scores.max(0))
    powers /= powers.sum(0)
    return powers
