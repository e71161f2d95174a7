"""Resampling against PyTorch, SciPy and SimpleITK."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.ndimage import map_coordinates
from scipy.spatial.transform import Rotation

from vesalius.transforms.resample import resample
from vesalius.volume import Geometry

RNG = np.random.default_rng(7)
FLIP_LPS = np.diag([-1.0, -1.0, 1.0])


def _oblique(shape: tuple[int, int, int], degrees: float = 20.0) -> Geometry:
    angle = np.deg2rad(degrees)
    rotation = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = rotation @ np.diag([0.8, -1.7, 2.5])
    affine[:3, 3] = (3, -20, 11)
    return Geometry(shape, affine)


def _itk(voxels: np.ndarray, geometry: Geometry) -> sitk.Image:
    image = sitk.GetImageFromArray(np.ascontiguousarray(voxels.transpose(2, 1, 0)))
    image.SetSpacing(geometry.spacing)
    image.SetDirection((FLIP_LPS @ geometry.directions).ravel())
    image.SetOrigin(FLIP_LPS @ geometry.affine[:3, 3])
    return image


@pytest.mark.parametrize("size", [(32, 32, 32), (9, 40, 13), (5, 6, 7)])
def test_nearest_onto_a_resized_grid_is_torchs_nearest_exact(size: tuple[int, int, int]) -> None:
    torch = pytest.importorskip("torch")
    voxels = RNG.integers(0, 255, (19, 23, 11)).astype(np.uint8)
    grid = Geometry.from_spacing(voxels.shape, (1, 2, 3))

    ours = resample(voxels, grid, grid.resized(size), "nearest")

    tensor = torch.from_numpy(voxels.astype(np.float32))[None, None]
    theirs = torch.nn.functional.interpolate(tensor, size, mode="nearest-exact")[0, 0].numpy()
    np.testing.assert_array_equal(ours, theirs)
    assert ours.dtype == np.uint8


@pytest.mark.parametrize("size", [(32, 32, 32), (9, 40, 13)])
def test_linear_onto_a_resized_grid_is_torchs_trilinear(size: tuple[int, int, int]) -> None:
    torch = pytest.importorskip("torch")
    voxels = RNG.normal(size=(19, 23, 11)).astype(np.float32)
    grid = Geometry.from_spacing(voxels.shape, (1, 2, 3))

    ours = resample(voxels, grid, grid.resized(size), "linear")

    tensor = torch.from_numpy(voxels)[None, None]
    theirs = torch.nn.functional.interpolate(tensor, size, mode="trilinear", align_corners=False)[0, 0].numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_permuted_and_flipped_axes_keep_every_voxel_in_its_place() -> None:
    source = _oblique((12, 9, 7))
    voxels = RNG.integers(0, 9, source.shape)
    target = source.reoriented("SLA")

    seen = resample(voxels, source, target, "nearest")

    index = np.array([[3, 4, 5], [0, 8, 2], [11, 0, 6]])
    there = np.rint(target.to_index(source.to_world(index))).astype(int)
    np.testing.assert_array_equal(seen[tuple(there.T)], voxels[tuple(index.T)])
    np.testing.assert_array_equal(np.sort(seen.ravel()), np.sort(voxels.ravel()))


def test_midway_between_voxels_rounding_of_the_affine_decides_nothing() -> None:
    """A grid and its twin, reordered there and back, differ in the last bits only; every new centre is midway."""
    for _ in range(20):
        affine = np.eye(4)
        affine[:3, :3] = Rotation.from_euler("xz", RNG.uniform(-0.5, 0.5, 2)).as_matrix() * (0.4297, 0.4297, 6.5)
        affine[:3, 3] = RNG.uniform(-200, 200, 3)
        source = Geometry((64, 48, 8), affine)
        voxels = RNG.integers(0, 999, source.shape)
        seen = resample(voxels, source, source.resized((32, 24, 8)), "nearest")
        for orientation in ("PIR", "IAR", "SLA"):
            twin = source.reoriented(orientation).reoriented(source.orientation)
            np.testing.assert_array_equal(resample(voxels, twin, twin.resized((32, 24, 8)), "nearest"), seen)


@pytest.mark.parametrize(("interpolation", "itk"), [("nearest", sitk.sitkNearestNeighbor), ("linear", sitk.sitkLinear)])
def test_between_oblique_grids_as_simpleitk_does_in_patient_space(interpolation: str, itk: int) -> None:
    source, target = _oblique((24, 20, 16)), Geometry.from_spacing((18, 22, 14), (1.1, 1.3, 2.2), (-5, -45, 12))
    voxels = RNG.normal(size=source.shape).astype(np.float32)

    ours = resample(voxels, source, target, interpolation)  # type: ignore[arg-type]

    theirs = sitk.Resample(_itk(voxels, source), _itk(np.zeros(target.shape), target), sitk.Transform(), itk, 0.0)
    expected = sitk.GetArrayFromImage(theirs).transpose(2, 1, 0)
    assert (expected != 0).mean() > 0.2
    different = np.abs(ours - expected) > 1e-4
    assert different.mean() < (0.001 if interpolation == "nearest" else 1e-9)  # ties of nearest may fall either way


def test_aligned_linear_equals_scipys_interpolation_inside_the_grid() -> None:
    source = Geometry.from_spacing((20, 18, 16), (1.0, 1.5, 2.0))
    target = Geometry.from_spacing((11, 12, 13), (1.3, 1.7, 1.9), (2.2, 1.9, 2.4))
    voxels = RNG.normal(size=source.shape).astype(np.float32)

    grid = np.stack(np.meshgrid(*(np.arange(n) for n in target.shape), indexing="ij"), axis=-1)
    index = np.moveaxis(source.to_index(target.to_world(grid)), -1, 0)
    expected = map_coordinates(voxels, index, order=1, mode="nearest")

    np.testing.assert_allclose(resample(voxels, source, target, "linear"), expected, atol=1e-5)


def test_beyond_the_outer_edge_is_zero() -> None:
    source = Geometry.from_spacing((4, 4, 4), (1, 1, 1))
    target = Geometry.from_spacing((8, 4, 4), (1, 1, 1), (-2, 0, 0))
    seen = resample(np.ones(source.shape), source, target, "nearest")
    np.testing.assert_array_equal(seen[:, 0, 0], [0, 0, 1, 1, 1, 1, 0, 0])
