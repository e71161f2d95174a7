from __future__ import annotations

import json
from dataclasses import asdict

import nibabel as nib
import numpy as np
import pytest
from scipy.ndimage import affine_transform, gaussian_filter

from vesalius.errors import GeometryError, InputError, UsageError
from vesalius.measure.agreement import compare_labels
from vesalius.results import Label, Labelmap, palette_colour
from vesalius.volume import Geometry

UNIT = Geometry.from_spacing((8, 9, 10), (1, 1, 1))


def _labelmap(voxels, geometry=UNIT, values=(1,)):
    return Labelmap(
        np.asarray(voxels, np.uint8), geometry, {v: Label(name=f"part {v}", colour=palette_colour(v)) for v in values}
    )


def _monai(prediction, reference, spacing, tolerance):
    """(HD95, ASSD, NSD) of two masks (I, J, K), or (I, J) where K is 1."""
    torch = pytest.importorskip("torch")
    metrics = pytest.importorskip("monai.metrics")
    squeezed = [torch.from_numpy(mask.squeeze()[None, None]) for mask in (prediction, reference)]
    options = {"include_background": True, "spacing": spacing[: squeezed[0].ndim - 2]}
    return (
        metrics.compute_hausdorff_distance(*squeezed, percentile=95, **options).item(),
        metrics.compute_average_surface_distance(*squeezed, symmetric=True, **options).item(),
        metrics.compute_surface_dice(*squeezed, class_thresholds=[tolerance], **options).item(),
    )


def _parcels(seed, shape, labels=4):
    """Two labelmaps that mostly agree, ragged and cut off by the border."""
    rng = np.random.default_rng(seed)
    noise = np.stack([gaussian_filter(rng.normal(size=shape), [2] * 2 + [2 * (shape[2] > 1)]) for _ in range(labels)])
    scale = noise.std()
    moved = noise + 0.3 * scale * rng.normal(size=noise.shape)
    return noise.argmax(axis=0), moved.argmax(axis=0)


@pytest.mark.parametrize("shape", [(26, 21, 17), (40, 33, 1)])
@pytest.mark.parametrize("spacing", [(0.71, 1.37, 3.03), (2.9, 0.83, 1.11)])
@pytest.mark.parametrize("seed", range(2))
def test_surfaces_agree_with_monai_on_anisotropic_parcels(seed, spacing, shape):
    prediction, reference = _parcels(seed, shape)
    grid = Geometry.from_spacing(shape, spacing)
    compared = compare_labels(
        _labelmap(prediction, grid, (1, 2, 3)), _labelmap(reference, grid, (1, 2, 3)), tolerance_mm=1.2
    )
    for value in (1, 2, 3):
        found = compared[f"part {value}"]
        expected = _monai(prediction == value, reference == value, spacing, 1.2)
        assert (found.hd95_mm, found.assd_mm, found.nsd) == pytest.approx(expected, abs=1e-4)


@pytest.mark.slow
def test_surfaces_agree_with_monai_on_a_deformed_atlas(aal):
    image = nib.load(aal)
    reference = np.asarray(image.dataobj)
    matrix = np.array([[1.01, 0.02, 0], [-0.02, 0.99, 0.01], [0, 0.015, 1.0]])
    prediction = affine_transform(reference, matrix, offset=(-2, 1, 2), order=0)
    values = [int(value) for value in np.unique(reference) if value]
    grid = Geometry(reference.shape, image.affine)
    compared = compare_labels(_labelmap(prediction, grid, values), _labelmap(reference, grid, values))
    assert len(compared) == 116
    for value in values[::12]:
        found = compared[f"part {value}"]
        expected = _monai(prediction == value, reference == value, grid.spacing, 1.0)
        assert (found.hd95_mm, found.assd_mm, found.nsd) == pytest.approx(expected, abs=1e-4)
        assert 0 < found.dice < 1


def test_counts_by_hand():
    prediction, reference = np.zeros((2, *UNIT.shape))
    reference[2:6, 2:6, 2:6] = 1
    prediction[3:6, 2:6, 2:8] = 1
    grid = Geometry.from_spacing(UNIT.shape, (0.5, 2, 3))
    found = compare_labels(_labelmap(prediction, grid), _labelmap(reference, grid))["part 1"]
    both, predicted, actual, whole = 48, 72, 64, 720
    assert found.dice == pytest.approx(2 * both / (predicted + actual))
    assert found.iou == pytest.approx(both / (predicted + actual - both))
    assert found.sensitivity == pytest.approx(both / actual)
    assert found.precision == pytest.approx(both / predicted)
    assert found.specificity == pytest.approx((whole - predicted - actual + both) / (whole - actual))
    assert found.volume_error_ml == pytest.approx((predicted - actual) * 3 / 1000)
    assert found.volume_error_relative == pytest.approx((predicted - actual) / actual)


def test_turning_the_grid_changes_nothing():
    """The same voxels on an oblique, mirrored grid of the same spacing."""
    prediction, reference = _parcels(5, UNIT.shape)
    straight = Geometry.from_spacing(UNIT.shape, (0.7, 1.3, 3.1))
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn @ np.diag([-0.7, 1.3, 3.1]), (5, -30, 12)
    oblique = Geometry(UNIT.shape, affine)
    on_straight, on_oblique = (
        compare_labels(_labelmap(prediction, grid, (1, 2)), _labelmap(reference, grid, (1, 2)))["part 2"]
        for grid in (straight, oblique)
    )
    assert asdict(on_oblique) == pytest.approx(asdict(on_straight), rel=1e-6)


def test_a_flat_label_in_a_scan_is_all_surface():
    voxels, moved = np.zeros((2, *UNIT.shape))
    voxels[1:7, 1:7, 4], moved[1:7, 1:7, 6] = 1, 1
    found = compare_labels(_labelmap(moved), _labelmap(voxels))["part 1"]
    assert (found.hd95_mm, found.assd_mm, found.nsd) == (2, 2, 0)


def test_labels_are_paired_by_name():
    voxels = np.zeros(UNIT.shape)
    voxels[2:5], voxels[6:] = 1, 2
    swapped = np.choose(voxels.astype(int), (0, 2, 1))
    names = {1: Label(name="part 2", colour="#ffffff"), 2: Label(name="part 1", colour="#ffffff")}
    prediction = Labelmap(swapped.astype(np.int16), UNIT, {**names, 3: Label(name="other", colour="#ffffff")})
    compared = compare_labels(prediction, _labelmap(voxels, values=(1, 2)))
    assert list(compared) == ["part 1", "part 2"]
    assert [found.dice for found in compared.values()] == [1, 1]


@pytest.mark.parametrize("empty", ["both", "prediction", "reference"])
def test_empty_labels_are_defined_and_fit_into_json(empty):
    something, nothing = np.zeros((2, *UNIT.shape))
    something[2:4, 2:4, 2:4] = 1
    prediction, reference = (nothing if empty in (name, "both") else something for name in ("prediction", "reference"))
    found = asdict(compare_labels(_labelmap(prediction), _labelmap(reference))["part 1"])
    shares = ("dice", "iou", "nsd", "sensitivity", "precision", "specificity", "volume_error_relative")
    expected = {
        "both": (1, 1, 1, 1, 1, 1, 0),
        "prediction": (0, 0, 0, 0, None, 1, -1),
        "reference": (0, 0, 0, None, 0, (720 - 8) / 720, None),
    }
    assert tuple(found[name] for name in shares) == pytest.approx(expected[empty])
    distance = 0 if empty == "both" else None
    assert (found["hd95_mm"], found["assd_mm"]) == (distance, distance)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_a_perfect_prediction():
    voxels, _ = _parcels(1, UNIT.shape)
    found = compare_labels(_labelmap(voxels), _labelmap(voxels))["part 1"]
    assert (found.dice, found.iou, found.hd95_mm, found.assd_mm, found.nsd) == (1, 1, 0, 0, 1)
    assert compare_labels(_labelmap(voxels), _labelmap(voxels), tolerance_mm=0)["part 1"].nsd == 1


def test_no_labels_is_no_figures():
    assert compare_labels(_labelmap(np.zeros(UNIT.shape), values=()), _labelmap(np.zeros(UNIT.shape), values=())) == {}


def test_what_cannot_be_compared_is_refused():
    empty = _labelmap(np.zeros(UNIT.shape))
    moved = _labelmap(np.zeros(UNIT.shape), Geometry.from_spacing(UNIT.shape, (1, 1, 1), origin=(0, 0, 1)))
    with pytest.raises(GeometryError, match="same grid"):
        compare_labels(moved, empty)
    tilted = np.eye(4)
    tilted[1, 2] = 0.2
    sheared = _labelmap(np.zeros(UNIT.shape), Geometry(UNIT.shape, tilted))
    with pytest.raises(GeometryError, match="perpendicular"):
        compare_labels(sheared, sheared)
    with pytest.raises(InputError, match="no label part 2"):
        compare_labels(empty, _labelmap(np.zeros(UNIT.shape), values=(1, 2)))
    for tolerance in (-1, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="tolerance"):
            compare_labels(empty, empty, tolerance)
