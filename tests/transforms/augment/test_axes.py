"""Matrices along axes against SciPy's splines and filters and PyTorch's pooling."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 -- as everywhere in the field
from scipy.integrate import quad
from scipy.interpolate import BSpline
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from vesalius.transforms.augment.axes import MEAN_SQUARE, along, bspline, coarser, gaussian

CPU = torch.device("cpu")


def test_matrices_act_along_their_axes_and_samples() -> None:
    generator = torch.Generator().manual_seed(0)
    patches = torch.randn(2, 3, 4, 5, 6, generator=generator)
    matrices = [torch.randn(2, n + 1, n, generator=generator) for n in (4, 5, 6)]

    out = along(patches, matrices)

    assert torch.allclose(out, torch.einsum("ncabd,nia,njb,nkd->ncijk", patches, *matrices), atol=1e-5)


@pytest.mark.parametrize(("length", "points"), [(17, 7), (20, 4), (9, 12)])
def test_splines_are_scipys(length: int, points: int) -> None:
    knots = np.arange(-3.0, points + 1)  # uniform; the first basis function is centred one knot before the axis
    place = np.linspace(0, points - 3, length)

    expected = np.stack([BSpline.basis_element(knots[j : j + 5], extrapolate=False)(place) for j in range(points)], 1)

    assert bspline(length, points, CPU)[0].numpy() == pytest.approx(np.nan_to_num(expected), abs=1e-5)


def test_the_mean_square_of_a_spline_is_its_integral() -> None:
    basis = BSpline.basis_element(np.arange(5))

    assert quad(lambda x: basis(x) ** 2, 0, 4)[0] == pytest.approx(MEAN_SQUARE)


def test_blur_is_scipys_and_keeps_a_constant_at_the_border() -> None:
    line = np.random.default_rng(0).normal(size=40)
    weights = gaussian(40, torch.tensor([1.3]))[0].double().numpy()

    assert (weights @ line)[8:-8] == pytest.approx(gaussian_filter1d(line, 1.3, truncate=8)[8:-8], abs=1e-5)
    assert weights.sum(1) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_a_whole_factor_is_average_pooling_and_linear_interpolation(factor: int) -> None:
    line = torch.randn(1, 1, 12, generator=torch.Generator().manual_seed(1))

    expected = F.interpolate(F.avg_pool1d(line, factor), size=12, mode="linear", align_corners=False)

    assert torch.allclose(_coarser(line, factor), expected, atol=1e-5)


def test_any_factor_keeps_the_mean_of_coarse_voxels() -> None:
    line = torch.rand(1, 1, 11, generator=torch.Generator().manual_seed(2))
    edges = np.linspace(0, 11, 1 + round(11 / 1.7))
    total = np.concatenate([[0], np.cumsum(line.numpy().ravel())])
    means = np.diff(np.interp(edges, np.arange(12), total)) / np.diff(edges)
    centres = (edges[1:] + edges[:-1]) / 2

    expected = np.interp(np.arange(11) + 0.5, centres, means)

    assert _coarser(line, 1.7).numpy().ravel() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("matrix", [gaussian(1, torch.tensor([2.0])), coarser(1, torch.tensor([2.0]))])
def test_one_voxel_stays_itself(matrix: Tensor) -> None:
    assert matrix.tolist() == [[[1.0]]]


def test_no_blur_is_no_change() -> None:
    assert math.isclose(gaussian(5, torch.tensor([0.0]))[0].sub(torch.eye(5)).abs().max(), 0, abs_tol=1e-6)


def _coarser(line: Tensor, factor: float) -> Tensor:
    return line @ coarser(line.shape[-1], torch.tensor([float(factor)])).mT
