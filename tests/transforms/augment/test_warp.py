"""Spatial maps on anisotropic spacing against SimpleITK's transforms, and SciPy's splines."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from scipy.interpolate import BSpline
from torch import Generator

from vesalius.transforms.augment.kinds import Affine, Crop, Elastic, Flip, Spatial
from vesalius.transforms.augment.maps import draw_warp
from vesalius.transforms.augment.resampling import moved, moved_back
from vesalius.transforms.augment.warp import Size, Warp

CPU = torch.device("cpu")
SPACING = (1.5, 0.7, 3.0)
SIZE = (14, 22, 10)
ALL = (
    Flip(axes=(0, 1, 2)),
    Affine(probability=1, degrees=30, stretch=0.1, shear=0.1, shift_mm=2),
    Elastic(probability=1, spacing_mm=8, deviation_mm=1),
    Crop(probability=1, share=(0.6, 0.9)),
)


def _drawn(kinds: tuple[Spatial, ...] = ALL, size: Size = SIZE, seed: int = 0) -> Warp:
    return draw_warp(kinds, 2, size, SPACING, Generator().manual_seed(seed))


def test_a_chain_is_itks_composed_transform_sampled_once() -> None:
    generator = Generator().manual_seed(5)
    each = [draw_warp([kind], 2, SIZE, SPACING, generator) for kind in ALL]
    image = torch.randn(2, 1, *SIZE, generator=Generator().manual_seed(1))

    ours = moved(_drawn(seed=5), image, None)[0]

    for sample in range(2):
        linear = [_affine(warp, sample) for warp in each if warp.lattice is None]
        transform = sitk.CompositeTransform([*linear, _bspline(each[2], sample)])  # the last is applied first
        expected, inside = _resampled(image[sample, 0].numpy(), transform)
        inside &= np.pad(np.ones([n - 2 for n in SIZE], bool), 1)  # ITK's splines end at the outermost voxels
        assert inside.mean() > 0.3
        assert ours[sample, 0].numpy()[inside] == pytest.approx(expected[inside], abs=2e-3)


def test_an_elastic_displacement_is_scipys_spline_in_mm() -> None:
    warp = _drawn((Elastic(probability=1, spacing_mm=5, deviation_mm=1),))
    assert warp.lattice is not None
    displacement = (warp.places(CPU)[1].permute(1, 2, 3, 0).numpy() - np.indices(SIZE).transpose(1, 2, 3, 0)) * SPACING

    expected = warp.lattice[1].permute(1, 2, 3, 0).double().numpy()
    for axis, n in enumerate(SIZE):
        cells = expected.shape[axis] - 3
        spline = BSpline(np.arange(-3.0, cells + 4), expected, 3, axis=axis)
        expected = spline(np.linspace(0, cells, n))

    assert displacement == pytest.approx(expected, abs=1e-4)


def test_a_turn_is_about_the_middle_of_the_patch_in_mm() -> None:
    quarter = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])[None]
    warp = Warp((9, 5, 3), (1.0, 2.0, 4.0), quarter, torch.zeros(1, 3), None)

    places = warp.places(CPU)[0]

    assert places[:, 4, 2, 1].tolist() == [4, 2, 1]
    assert places[:, 6, 2, 1].tolist() == [4, 3, 1]  # 2 mm along I come from 2 mm along J, which is one voxel
    assert places[:, 4, 3, 1].tolist() == [2, 2, 1]


def test_a_flip_is_exact() -> None:
    warp = Warp((4, 6, 5), SPACING, torch.diag_embed(torch.tensor([[-1.0, 1, -1], [1, 1, 1]])), torch.zeros(2, 3), None)
    image, labels = torch.rand(2, 3, 4, 6, 5), torch.randint(0, 3, (2, 4, 6, 5))

    new, new_labels = moved(warp, image, labels)

    assert new_labels is not None
    assert torch.equal(new[0], image[0].flip(1, 3))
    assert torch.equal(new_labels[0], labels[0].flip(0, 2))
    assert torch.equal(new[1], image[1])
    assert torch.equal(moved_back(warp, new), image)


SMOOTH = (Affine(probability=1, degrees=20, shift_mm=2), Elastic(probability=1, spacing_mm=12, deviation_mm=0.7))


@pytest.mark.parametrize("size", [(24, 40, 12), (24, 40, 1)])
def test_places_back_undo_places(size: Size) -> None:
    warp = _drawn(SMOOTH, size)
    there, grid = warp.places(CPU), torch.from_numpy(np.indices(size).astype(np.float32))

    returned, _ = moved(warp, warp.places_back(CPU), None)

    inside = torch.stack([(p >= 0) & (p <= n - 1) for p, n in zip(there.unbind(1), size, strict=True)]).all(0)
    assert inside.float().mean() > 0.5
    assert (there - grid).abs().amax(1)[inside].max() > 2
    assert (returned - grid).abs().amax(1)[inside].max() < 0.2  # displacements are interpolated between voxels


@pytest.mark.parametrize("size", [(24, 48, 16), (24, 48, 1)])
def test_moved_back_is_where_it_was(size: Size) -> None:
    distance = _from_middle(size)
    image = torch.exp(-distance.square() / (2 * 9**2))[None, None].repeat(2, 1, 1, 1, 1)
    warp = _drawn(SMOOTH, size)

    there, _ = moved(warp, image, None)

    near = distance < 9
    assert (there - image)[..., near].abs().max() > 0.1
    assert (moved_back(warp, there) - image)[..., near].abs().max() < 0.04


def test_a_sample_of_a_batch_moves_as_it_does_alone() -> None:
    warp, image, labels = _drawn(), torch.rand(2, 1, *SIZE), torch.randint(0, 4, (2, *SIZE))

    both, both_labels = moved(warp, image, labels)
    alone, alone_labels = moved(warp.of(torch.tensor([1])), image[1:], labels[1:])

    assert both_labels is not None
    assert alone_labels is not None
    assert torch.allclose(both[1], alone[0], atol=1e-6)
    assert torch.equal(both_labels[1], alone_labels[0])


def _from_middle(size: Size) -> torch.Tensor:
    """mm"""
    axes = [(np.arange(n) - (n - 1) / 2) * mm for n, mm in zip(size, SPACING, strict=True)]
    return torch.from_numpy(np.linalg.norm(np.meshgrid(*axes, indexing="ij"), axis=0).astype(np.float32))


def _affine(warp: Warp, sample: int) -> sitk.AffineTransform:
    return sitk.AffineTransform(
        warp.matrix[sample].double().flatten().tolist(), warp.shift[sample].double().tolist(), (0.0, 0.0, 0.0)
    )


def _bspline(warp: Warp, sample: int) -> sitk.BSplineTransform:
    assert warp.lattice is not None
    extent = [(n - 1) * mm for n, mm in zip(warp.size, warp.spacing, strict=True)]
    transform = sitk.BSplineTransform(3, 3)
    transform.SetTransformDomainOrigin([-length / 2 for length in extent])
    transform.SetTransformDomainPhysicalDimensions([length * (1 + 1e-9) for length in extent])
    transform.SetTransformDomainMeshSize([n - 3 for n in warp.lattice.shape[2:]])
    transform.SetParameters(warp.lattice[sample].double().permute(0, 3, 2, 1).flatten().tolist())
    return transform


def _resampled(voxels: np.ndarray, transform: sitk.Transform) -> tuple[np.ndarray, np.ndarray]:
    """By ITK, in mm from the middle; and where it did not need what lies beyond the border."""
    image = sitk.GetImageFromArray(voxels.astype(np.float64).T)
    image.SetSpacing(SPACING)
    image.SetOrigin([-(n - 1) / 2 * mm for n, mm in zip(voxels.shape, SPACING, strict=True)])
    beyond = 1e6
    out = sitk.GetArrayFromImage(sitk.Resample(image, image, transform, sitk.sitkLinear, beyond)).T
    inside = out != beyond
    padded = sitk.GetArrayFromImage(sitk.Resample(image * 0 + 1, image, transform, sitk.sitkLinear, 0.0)).T
    return out, inside & (padded == 1)
