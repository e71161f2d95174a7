"""Geometry and Volume against nibabel and SimpleITK, on grids of every kind."""

from __future__ import annotations

import itertools

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel.affines import obliquity, voxel_sizes
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform
from scipy.ndimage import map_coordinates

from grids import LPS, from_itk, grids, numbered, to_itk
from vesalius.errors import GeometryError
from vesalius.volume import Geometry, IndexBox, Volume, reorder, sample

settings.register_profile("grids", deadline=None, max_examples=80)
settings.load_profile("grids")

ORIENTATIONS = [
    "".join(codes) for axes in itertools.permutations(("LR", "PA", "IS")) for codes in itertools.product(*axes)
]
OBLIQUE = Geometry(
    (5, 4, 3),
    [[0.5, -0.9, 0.6, 11.0], [0.4, 1.1, 1.5, -7.0], [-0.3, 0.3, 2.4, 90.0], [0.0, 0.0, 0.0, 1.0]],
)


def as_nifti(geometry: Geometry) -> nib.Nifti1Image:
    return nib.Nifti1Image(numbered(geometry.shape), geometry.affine)


def boxes(geometry: Geometry) -> st.SearchStrategy[IndexBox]:
    edges = [st.lists(st.integers(0, n), min_size=2, max_size=2, unique=True).map(sorted) for n in geometry.shape]
    return st.tuples(*edges).map(lambda pairs: IndexBox(*(tuple(n) for n in zip(*pairs, strict=True))))


def clearly_oriented(geometry: Geometry) -> bool:
    """No two candidates for an axis are so alike that rounding decides."""
    strengths = np.sort(np.abs(geometry.directions).ravel())
    return not geometry.is_oblique or bool(np.diff(strengths[strengths > 0.3]).min(initial=1) > 1e-9)


@given(grids())
def test_spacing_orientation_and_obliquity_are_those_of_nibabel(geometry: Geometry) -> None:
    assert geometry.spacing == pytest.approx(voxel_sizes(geometry.affine))
    if clearly_oriented(geometry):
        assert geometry.orientation == "".join(nib.aff2axcodes(geometry.affine))
    angle = obliquity(geometry.affine).max()
    assert geometry.is_oblique if angle > 1.5e-4 else angle > 1e-4 or not geometry.is_oblique
    assert geometry.voxel_volume == pytest.approx(np.prod(geometry.spacing))


@given(grids(), st.sampled_from(ORIENTATIONS))
def test_reorienting_is_that_of_nibabel(geometry: Geometry, orientation: str) -> None:
    if not clearly_oriented(geometry):
        return
    image = as_nifti(geometry)
    transform = ornt_transform(io_orientation(geometry.affine), axcodes2ornt(tuple(orientation)))
    expected = image.as_reoriented(transform)
    volume = Volume(numbered(geometry.shape)[None], geometry).reoriented(orientation)
    np.testing.assert_array_equal(volume.voxels[0], np.asarray(expected.dataobj))
    np.testing.assert_allclose(volume.geometry.affine, expected.affine, atol=1e-9)
    assert volume.geometry.orientation == orientation


@given(grids())
def test_ras_is_the_closest_canonical_of_nibabel_and_back_again_changes_nothing(geometry: Geometry) -> None:
    if not clearly_oriented(geometry):
        return
    expected = nib.as_closest_canonical(as_nifti(geometry))
    volume = Volume(numbered(geometry.shape)[None], geometry)
    canonical = volume.reoriented("RAS")
    np.testing.assert_array_equal(canonical.voxels[0], np.asarray(expected.dataobj))
    np.testing.assert_allclose(canonical.geometry.affine, expected.affine, atol=1e-9)
    back = canonical.reoriented(geometry.orientation)
    np.testing.assert_array_equal(back.voxels, volume.voxels)
    assert back.geometry.is_close(geometry, 1e-9)


@given(st.data())
def test_cropping_is_that_of_nibabel_and_of_simpleitk(data: st.DataObject) -> None:
    geometry = data.draw(grids(smallest=2))
    box = data.draw(boxes(geometry))
    cropped = Volume(numbered(geometry.shape)[None], geometry).cropped(box)
    sliced = as_nifti(geometry).slicer[box.slices]
    np.testing.assert_array_equal(cropped.voxels[0], np.asarray(sliced.dataobj))
    np.testing.assert_allclose(cropped.geometry.affine, sliced.affine, atol=1e-9)
    voxels, region = from_itk(sitk.RegionOfInterest(to_itk(numbered(geometry.shape), geometry), box.shape, box.start))
    np.testing.assert_array_equal(cropped.voxels[0], voxels)
    assert cropped.geometry.is_close(region, 1e-9)


@given(grids(), st.tuples(*[st.integers(0, 4)] * 3), st.tuples(*[st.integers(0, 4)] * 3))
def test_padding_is_that_of_simpleitk_and_undone_by_cropping(
    geometry: Geometry, before: tuple[int, int, int], after: tuple[int, int, int]
) -> None:
    padded = geometry.padded(before, after)
    _, expected = from_itk(sitk.ConstantPad(to_itk(numbered(geometry.shape), geometry), before, after))
    # ITK leaves the padded image's first index negative; GetOrigin is that of index 0, here the image's first voxel.
    assert padded.is_close(expected, 1e-9)
    stop = tuple(b + n for b, n in zip(before, geometry.shape, strict=True))
    assert padded.cropped(IndexBox(before, stop)).is_close(geometry, 1e-9)


@given(grids(), st.lists(st.tuples(*[st.floats(-20, 20)] * 3), min_size=1, max_size=5))
def test_points_map_as_in_simpleitk(geometry: Geometry, indices: list[tuple[float, float, float]]) -> None:
    image = to_itk(numbered(geometry.shape), geometry)
    expected = [LPS @ image.TransformContinuousIndexToPhysicalPoint(index) for index in indices]
    world = geometry.to_world(indices)
    np.testing.assert_allclose(world, expected, atol=1e-9)
    np.testing.assert_allclose(geometry.to_index(world), indices, atol=1e-9)


@given(grids(), grids())
def test_index_map_leads_to_the_same_place_in_the_patient(one: Geometry, other: Geometry) -> None:
    corner = np.asarray(one.shape) - 1.0
    mapped = one.index_map(other)[:3] @ [*corner, 1]
    np.testing.assert_allclose(other.to_world(mapped), one.to_world(corner), atol=1e-8)


@given(grids(), st.tuples(*[st.integers(1, 4)] * 3))
def test_resizing_by_whole_factors_is_that_of_simpleitk(geometry: Geometry, factors: tuple[int, int, int]) -> None:
    image = to_itk(numbered(geometry.shape), geometry)
    finer = tuple(n * f for n, f in zip(geometry.shape, factors, strict=True))
    assert geometry.resized(finer).is_close(from_itk(sitk.Expand(image, factors))[1], 1e-9)
    wide = to_itk(numbered(finer), Geometry(finer, geometry.affine))
    shrunk = from_itk(sitk.BinShrink(wide, factors))[1]
    assert Geometry(finer, geometry.affine).resized(geometry.shape).is_close(shrunk, 1e-9)


@given(grids(), st.tuples(*[st.floats(0.2, 10)] * 3))
def test_resampled_grid_keeps_centre_and_axes(geometry: Geometry, spacing: tuple[float, float, float]) -> None:
    grid = geometry.resampled_to(spacing)
    assert grid.spacing == pytest.approx(spacing)
    np.testing.assert_allclose(grid.directions, geometry.directions, atol=1e-9)
    middle = [(np.asarray(g.shape) - 1) / 2 for g in (grid, geometry)]
    np.testing.assert_allclose(grid.to_world(middle[0]), geometry.to_world(middle[1]), atol=1e-9)
    for n, new, old in zip(grid.shape, grid.extent, geometry.extent, strict=True):
        assert n == 1 or abs(new - old) <= new / n / 2 + 1e-9


def test_resampling_to_the_own_spacing_changes_nothing() -> None:
    assert OBLIQUE.resampled_to(OBLIQUE.spacing).is_close(OBLIQUE, 1e-9)


@given(st.data())
def test_box_around_holds_exactly_the_voxels_that_hold_the_points(data: st.DataObject) -> None:
    geometry = data.draw(grids())
    inside = st.tuples(*(st.floats(-0.49, n - 0.51) for n in geometry.shape))
    index = np.array(data.draw(st.lists(inside, min_size=1, max_size=6)))
    index = np.where(np.abs(index % 1 - 0.5) < 1e-6, np.round(index), index)
    box = geometry.box_around(geometry.to_world(index))
    holding = np.floor(index + 0.5)
    assert box == IndexBox(tuple(holding.min(axis=0)), tuple(holding.max(axis=0) + 1))


def test_box_around_is_clipped_and_refuses_points_outside() -> None:
    geometry = Geometry.from_spacing((4, 5, 6), (2, 2, 2))
    assert geometry.box_around([[-100, 0, 0], [100, 100, 100]]) == IndexBox((0, 0, 0), (4, 5, 6))
    for point in ([-1.1, 0, 0], [0, 9.1, 0], [0, 0, 1000]):
        with pytest.raises(GeometryError, match="outside"):
            geometry.box_around([point])


@given(grids())
def test_a_grid_contains_its_voxels_to_their_edges(geometry: Geometry) -> None:
    edge = np.asarray(geometry.shape) - 0.5
    assert geometry.contains(geometry.to_world(edge - 1e-6))
    assert geometry.contains(geometry.to_world([-0.5 + 1e-6] * 3))
    for axis in np.eye(3):
        assert not geometry.contains(geometry.to_world(edge * axis + 1e-6 * axis))
        assert not geometry.contains(geometry.to_world(-(0.5 + 1e-6) * axis))


def test_closeness_is_measured_at_the_far_corner() -> None:
    tilted = OBLIQUE.affine.copy()
    tilted[0, 2] += 1e-3
    far = 1e-3 * (OBLIQUE.shape[2] - 1)
    other = Geometry(OBLIQUE.shape, tilted)
    assert OBLIQUE.is_close(other, far * 1.01)
    assert not OBLIQUE.is_close(other, far * 0.99)
    assert not OBLIQUE.is_close(Geometry((5, 4, 4), OBLIQUE.affine))


def test_equal_grids_are_one_key_and_cannot_be_changed() -> None:
    twin = Geometry(OBLIQUE.shape, OBLIQUE.affine.copy())
    assert {OBLIQUE: "here"}[twin] == "here"
    assert twin != OBLIQUE.reoriented("LPS")
    with pytest.raises(ValueError, match="read-only"):
        OBLIQUE.affine[0, 0] = 2


@pytest.mark.parametrize(
    ("shape", "affine", "reason"),
    [
        ((2, 2), np.eye(4), "three positive integers"),
        ((2, 2, 0), np.eye(4), "three positive integers"),
        ((2, 2, 2), np.eye(3), "4×4"),
        ((2, 2, 2), np.full((4, 4), np.nan), "finite"),
        ((2, 2, 2), np.diag([1.0, 1.0, 0.0, 1.0]), "singular"),
        ((2, 2, 2), np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]), "singular"),
        ((2, 2, 2), np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1.0]]), "last row"),
    ],
)
def test_what_is_no_grid_is_refused(shape: tuple[int, ...], affine: np.ndarray, reason: str) -> None:
    with pytest.raises(GeometryError, match=reason):
        Geometry(shape, affine)  # type: ignore[arg-type]


def test_impossible_requests_are_refused() -> None:
    with pytest.raises(GeometryError, match="leaves the grid"):
        OBLIQUE.cropped(IndexBox((0, 0, 0), (6, 4, 3)))
    with pytest.raises(GeometryError, match="empty"):
        OBLIQUE.cropped(IndexBox((2, 0, 0), (2, 4, 3)))
    with pytest.raises(GeometryError, match="negative"):
        OBLIQUE.padded((0, 0, -1), (0, 0, 0))
    for orientation in ("RAR", "RA", "RAX", "RLS"):
        with pytest.raises(GeometryError, match="orientation"):
            OBLIQUE.reoriented(orientation)
    for spacing in (0, -1, float("nan")):
        with pytest.raises(GeometryError, match="positive"):
            OBLIQUE.resampled_to(spacing)


def test_voxels_are_read_once_and_only_when_asked_for() -> None:
    reads = []

    def read() -> np.ndarray:
        reads.append(1)
        return np.stack([numbered(OBLIQUE.shape), -numbered(OBLIQUE.shape)])

    volume = Volume(read, OBLIQUE, channels=("plus", "minus"))
    part = volume.reoriented("LPI").cropped(IndexBox((1, 0, 0), (3, 2, 2))).channel("minus")
    assert volume.shape == (2, 5, 4, 3)
    assert part.shape == (1, 2, 2, 2)
    assert not reads
    expected = -reorder(numbered(OBLIQUE.shape), OBLIQUE, "LPI")[1:3, :2, :2]
    np.testing.assert_array_equal(part.voxels[0], expected)
    np.testing.assert_array_equal(volume.voxels[0], numbered(OBLIQUE.shape))
    assert len(reads) == 1


def test_voxels_that_do_not_fit_are_refused() -> None:
    with pytest.raises(GeometryError, match=r"\(C, I, J, K\) = \(1, 5, 4, 3\), got \(5, 4, 3\)"):
        Volume(numbered(OBLIQUE.shape), OBLIQUE)
    late = Volume(lambda: np.zeros((1, 2, 2, 2)), OBLIQUE)
    with pytest.raises(GeometryError, match="got"):
        _ = late.voxels
    with pytest.raises(GeometryError, match="no channel 'T2'; it has image"):
        late.channel("T2")


@given(st.data())
def test_samples_are_those_of_scipy_inside_and_the_given_value_outside(data: st.DataObject) -> None:
    shape = data.draw(st.tuples(*[st.integers(1, 5)] * 3))
    voxels = np.random.default_rng(0).normal(size=shape)
    index = np.array(data.draw(st.lists(st.tuples(*[st.floats(-3, 7)] * 3), min_size=1, max_size=20)))
    inside = np.all((index >= -0.5) & (index <= np.array(shape) - 0.5), axis=-1)
    expected = np.where(inside, map_coordinates(voxels, index.T, order=1, mode="nearest"), 9)
    np.testing.assert_allclose(sample(voxels, index, order=1, outside=9), expected, atol=1e-9)


def test_nearest_samples_keep_the_type_and_take_the_voxel_that_holds_the_point() -> None:
    voxels = numbered((3, 4, 5)).astype(np.uint16)
    index = np.array([[0.49, 2.51, 3.9], [-0.5, 0, 0], [2.4, 3.4, 4.4], [-0.6, 0, 0], [0, 0, 4.6]])
    values = sample(voxels, index, order=0, outside=7)
    assert values.dtype == np.uint16
    assert values.tolist() == [voxels[0, 3, 4], voxels[0, 0, 0], voxels[2, 3, 4], 7, 7]
