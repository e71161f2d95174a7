"""Results against closed forms, and deformations against SimpleITK's displacement field transform."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from grids import LPS, from_itk, grids, numbered, rotation, to_itk
from reports import report
from vesalius.errors import GeometryError, InputError
from vesalius.results import (
    Box,
    Boxes,
    Deformation,
    Label,
    Labelmap,
    Report,
    Results,
    Scores,
    palette_colour,
)
from vesalius.volume import Geometry, Volume

settings.register_profile("fields", deadline=None, max_examples=40)
settings.load_profile("fields")

LABELS = {1: Label(name="left", colour="#0067a5"), 7: Label(name="right", colour="#be0032")}


def tilted(shape: tuple[int, int, int], spacing: tuple[float, float, float], mirrored: bool = False) -> Geometry:
    """An oblique grid around the origin, left-handed when ``mirrored``."""
    affine = np.eye(4)
    affine[:3, :3] = rotation((0.9, 0.2, -0.3, 0.25)) @ np.diag(np.multiply(spacing, (-1 if mirrored else 1, 1, 1)))
    affine[:3, 3] = -affine[:3, :3] @ (np.asarray(shape) - 1) / 2 + (3, -40, 25)
    return Geometry(shape, affine)


def waves(geometry: Geometry, amplitude: float) -> np.ndarray:
    """(3, I, J, K): a smooth displacement in mm that does not fold."""
    index = np.moveaxis(np.indices(geometry.shape), 0, -1)
    world = geometry.to_world(index)
    phases = world @ np.array([[0.05, 0.03, -0.02], [-0.04, 0.06, 0.01], [0.02, -0.03, 0.05]])
    return np.moveaxis(amplitude * np.sin(phases + np.arange(3)), -1, 0)


def itk_transform(field: Deformation) -> sitk.DisplacementFieldTransform:
    vectors = np.moveaxis(field.displacement, 0, -1) @ LPS
    return sitk.DisplacementFieldTransform(sitk.Cast(to_itk(vectors, field.geometry), sitk.sitkVectorFloat64))


@given(st.data())
def test_points_move_as_in_simpleitk_inside_the_field_and_stay_outside(data: st.DataObject) -> None:
    geometry = data.draw(grids(smallest=2))
    displacement = np.random.default_rng(data.draw(st.integers(0, 99))).normal(0, 20, (3, *geometry.shape))
    field = Deformation(displacement, geometry)
    transform = itk_transform(field)
    index = data.draw(st.tuples(*(st.floats(-2, n + 1) for n in geometry.shape)))
    if min(abs(i - edge) for i, n in zip(index, geometry.shape, strict=True) for edge in (-0.5, n - 0.5)) < 1e-6:
        return
    point = geometry.to_world(index)
    expected = LPS @ transform.TransformPoint((LPS @ point).tolist())
    np.testing.assert_allclose(field.map_points(point), expected, atol=1e-7)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(("order", "interpolator"), [(0, sitk.sitkNearestNeighbor), (1, sitk.sitkLinear)])
def test_a_warped_scan_is_that_of_simpleitk(mirrored: bool, order: int, interpolator: int) -> None:
    fixed = tilted((14, 9, 11), (2.1, 3.3, 1.7), mirrored)
    like = Geometry.from_spacing((10, 12, 8), (2.3, 2.0, 3.1), (-8, -55, 10))
    moving = tilted((12, 15, 10), (1.9, 2.2, 2.6))
    values = np.random.default_rng(1).normal(100, 20, moving.shape)
    field = Deformation(waves(fixed, 6), fixed)
    resampled = sitk.Resample(
        to_itk(values, moving), to_itk(numbered(like.shape), like), itk_transform(field), interpolator
    )
    moved = field.apply(Volume(values[None], moving, modality="MR"), like=like, order=order)
    assert moved.geometry == like
    assert moved.modality == "MR"
    expected = from_itk(resampled)[0]
    assert np.count_nonzero(expected) > 100
    np.testing.assert_allclose(moved.voxels[0], expected, atol=1e-6)


def test_warped_labels_stay_labels() -> None:
    grid = tilted((9, 8, 7), (2, 2, 3))
    voxels = np.random.default_rng(2).choice(np.array([0, 1, 7], np.uint8), grid.shape)
    still = Deformation(np.zeros((3, *grid.shape)), grid)
    same = still.apply(Labelmap(voxels, grid, LABELS))
    np.testing.assert_array_equal(same.voxels, voxels)
    assert same.voxels.dtype == np.uint8
    moved = Deformation(waves(grid, 5), grid).apply(Labelmap(voxels, grid, LABELS))
    assert set(np.unique(moved.voxels)) <= {0, 1, 7}
    assert moved.labels == LABELS


def test_composed_deformations_are_one_after_the_other() -> None:
    first, second = tilted((12, 11, 10), (3, 2, 2.5)), tilted((16, 15, 14), (2.5, 2.5, 2.5), mirrored=True)
    one, two = Deformation(waves(first, 4), first), Deformation(waves(second, -5), second)
    both = one.composed(two)
    centres = first.to_world(np.moveaxis(np.indices(first.shape), 0, -1)).reshape(-1, 3)
    chained = sitk.CompositeTransform([itk_transform(two), itk_transform(one)])  # ITK applies the last one first
    expected = np.array([LPS @ chained.TransformPoint((LPS @ point).tolist()) for point in centres])
    np.testing.assert_allclose(both.map_points(centres), expected, atol=1e-6)


def test_the_inverse_is_that_of_simpleitk_and_undoes_the_warp() -> None:
    grid = tilted((20, 18, 16), (2, 2.5, 3))
    window = np.prod(np.meshgrid(*(np.sin(np.pi * np.arange(n) / (n - 1)) for n in grid.shape), indexing="ij"), axis=0)
    field = Deformation(waves(grid, 4) * window, grid)
    back = field.inverted(tolerance_mm=1e-4)
    points = grid.to_world(np.random.default_rng(3).uniform(2, np.array(grid.shape) - 3, (200, 3)))
    assert np.abs(field.map_points(points) - points).max() > 2
    np.testing.assert_allclose(field.map_points(back.map_points(points)), points, atol=0.1)
    inverse = sitk.InvertDisplacementField(
        itk_transform(field).GetDisplacementField(), maximumNumberOfIterations=200, meanErrorToleranceThreshold=1e-6,
        maxErrorToleranceThreshold=1e-4, enforceBoundaryCondition=False,
    )  # fmt: skip
    expected = np.moveaxis(sitk.GetArrayFromImage(inverse).transpose(2, 1, 0, 3) @ LPS, -1, 0)
    np.testing.assert_allclose(back.displacement, expected, atol=0.02)


def test_a_warp_that_folds_has_no_inverse() -> None:
    grid = Geometry.from_spacing((12, 12, 12), (1, 1, 1))
    folding = np.zeros((3, *grid.shape))
    folding[0, 4:8] = np.array([6, -6, 6, -6])[:, None, None]
    with pytest.raises(GeometryError, match="fold"):
        Deformation(folding, grid).inverted()


def test_results_that_do_not_fit_their_grid_are_refused() -> None:
    grid = Geometry.from_spacing((3, 4, 5), (1, 1, 1))
    with pytest.raises(GeometryError, match=r"\(3, 3, 4, 5\), got \(3, 5, 4, 3\)"):
        Deformation(np.zeros((3, 5, 4, 3)), grid)
    with pytest.raises(GeometryError, match=r"\(3, 4, 5\), got \(5, 4, 3\)"):
        Labelmap(np.zeros((5, 4, 3), np.uint8), grid, LABELS)
    with pytest.raises(GeometryError, match="integers, got float64"):
        Labelmap(np.zeros((3, 4, 5)), grid, LABELS)


def test_a_label_is_found_by_name_and_the_labels_cannot_be_changed() -> None:
    grid = Geometry.from_spacing((2, 1, 2), (1, 1, 1))
    labelmap = Labelmap(np.array([[[0, 1]], [[7, 7]]], np.uint8), grid, LABELS)
    np.testing.assert_array_equal(labelmap.mask("right"), [[[False, False]], [[True, True]]])
    with pytest.raises(InputError, match="no label 'middle'; there are left, right"):
        labelmap.mask("middle")
    with pytest.raises(TypeError):
        labelmap.labels[2] = LABELS[1]  # type: ignore[index]


def test_boxes_of_a_picture_come_out_in_pixels_whatever_way_its_axes_run() -> None:
    affine = np.diag([-0.5, -0.25, 1.0, 1.0])  # as a photograph lies: x to the patient's left, y to the back
    picture = Geometry((640, 480, 1), affine)
    low, high = picture.to_world([[9.5, 19.5, -0.5], [29.5, 59.5, 0.5]])
    boxes = Boxes((Box("cell", 0.9, tuple(low), tuple(high)),), picture)
    assert boxes.to_pixels() == [("cell", 0.9, 10.0, 20.0, 30.0, 60.0)]
    assert [box.label for box in boxes] == ["cell"]
    assert len(boxes) == 1


def test_scores_are_a_mapping() -> None:
    scores = Scores({"pneumonia": 0.8, "normal": 0.2})
    assert scores["pneumonia"] == 0.8
    assert dict(scores) == {"pneumonia": 0.8, "normal": 0.2}
    assert len(scores) == 2


def test_neighbouring_labels_differ_in_colour_and_colours_are_checked() -> None:
    assert all(palette_colour(value) != palette_colour(value + 1) for value in range(1, 50))
    assert Label(name="x", colour="#ff8000").rgb == (255, 128, 0)
    with pytest.raises(ValidationError):
        Label(name="x", colour="red")


def test_a_report_comes_back_from_its_json_and_knows_no_other_fields() -> None:
    text = report().model_dump_json()
    assert Report.model_validate_json(text).model_dump() == report().model_dump()
    with pytest.raises(ValidationError, match="patient_name"):
        Report.model_validate({**json.loads(text), "patient_name": "Doe"})
    assert str(report().warnings[0]) == "the brain is small"


def test_voxels_hang_on_the_report_and_stay_out_of_its_json() -> None:
    grid = Geometry.from_spacing((2, 3, 4), (1, 1, 1))
    made = report()
    assert made.labelmap is made.volume is made.boxes is made.attribution is None
    labelmap = Labelmap(np.zeros(grid.shape, np.uint8), grid, LABELS)
    made.attach(Results(labelmap=labelmap))
    assert made.labelmap is labelmap
    assert made.model_dump_json() == report().model_dump_json()


def test_counts_are_numpys_of_the_named_values() -> None:
    rng = np.random.default_rng(4)
    voxels = np.asfortranarray(rng.integers(0, 9, (6, 7, 5)).astype(np.int16))
    voxels[0, 0, 0] = -3
    labels = {value: Label(name=f"l{value}", colour="#000000") for value in (1, 3, 8, 40)}
    counts = Labelmap(voxels, Geometry.from_spacing((6, 7, 5), (1, 1, 1)), labels).counts
    assert counts == {value: int((voxels == value).sum()) for value in (1, 3, 8)}
