"""Measurements against voxel-by-voxel arithmetic, scipy and SimpleITK, on oblique, flipped and anisotropic grids."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.spatial.distance import pdist

from grids import LPS, grids, to_itk
from vesalius.errors import GeometryError
from vesalius.measure.anatomy import measure_labels
from vesalius.results import Label, Labelmap
from vesalius.volume import Geometry, Source, Volume

LABELS = {value: Label(name=f"part {value}", colour="#f3c300") for value in (3, 7, 2000)}
FULL = np.ones((3, 3, 3))


def random_labelmap(geometry: Geometry, seed: int) -> Labelmap:
    """Scattered voxels of the labels 3 and 7, and of 5, which no label names; none of 2000."""
    voxels = np.random.default_rng(seed).choice([0, 0, 0, 3, 5, 7], size=geometry.shape)
    return Labelmap(voxels.astype(np.int32), geometry, LABELS)


def voxel_corners(mask, geometry):
    """(N, 3) all corners of all voxels of ``mask``, mm."""
    offsets = np.array(list(product((-0.5, 0.5), repeat=3)))
    index = np.argwhere(mask)[:, None, :] + offsets
    homogeneous = np.append(index.reshape(-1, 3), np.ones((index.size // 3, 1)), axis=1)
    return (homogeneous @ geometry.affine.T)[:, :3]


@settings(max_examples=60, deadline=None)
@given(grids(largest=6), st.integers(0, 2**16))
def test_agrees_with_arithmetic_over_all_voxels(geometry, seed):
    labelmap = random_labelmap(geometry, seed)
    measured = measure_labels(labelmap)
    assert list(measured) == ["part 3", "part 7", "part 2000"]
    for value in (3, 7):
        mask, found = labelmap.voxels == value, measured[f"part {value}"]
        assert found.voxel_count == mask.sum()
        if not mask.any():
            continue
        corners = voxel_corners(mask, geometry)
        assert found.volume_ml == pytest.approx(mask.sum() * abs(np.linalg.det(geometry.affine)) / 1000)
        assert found.bounding_box_mm[0] == pytest.approx(corners.min(axis=0), abs=1e-6)
        assert found.bounding_box_mm[1] == pytest.approx(corners.max(axis=0), abs=1e-6)
        assert found.centre_mm == pytest.approx(corners.mean(axis=0), abs=1e-6)
        assert found.diameters_mm[0] == pytest.approx(pdist(corners).max())
        assert found.components == ndimage.label(mask, FULL)[1]


@settings(max_examples=20, deadline=None)
@given(grids(smallest=4), st.integers(0, 2**16))
def test_agrees_with_simpleitk(geometry, seed):
    labelmap = random_labelmap(geometry, seed)
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.Execute(to_itk(labelmap.voxels.astype(np.uint16), geometry))
    for value in (3, 7):
        if value not in shapes.GetLabels():
            continue
        found = measure_labels(labelmap)[f"part {value}"]
        assert found.volume_ml == pytest.approx(shapes.GetPhysicalSize(value) / 1000)
        assert found.centre_mm == pytest.approx(LPS @ shapes.GetCentroid(value), abs=1e-4)


def test_a_label_without_voxels_measures_nothing():
    geometry = Geometry.from_spacing((3, 4, 5), (1, 2, 3))
    nothing = measure_labels(Labelmap(np.zeros(geometry.shape, np.uint8), geometry, LABELS))["part 7"]
    assert (nothing.voxel_count, nothing.volume_ml, nothing.surface_mm2, nothing.components) == (0, 0, 0, 0)
    assert nothing.bounding_box_mm is None
    assert nothing.centre_mm is None
    assert nothing.diameters_mm == ()
    assert nothing.intensity == {}


def test_a_labelmap_without_labels_has_no_measurements():
    geometry = Geometry.from_spacing((3, 4, 5), (1, 1, 1))
    assert measure_labels(Labelmap(np.ones(geometry.shape, np.uint8), geometry, {})) == {}


def test_intensity_is_of_the_finite_values_of_each_channel():
    rng = np.random.default_rng(1)
    geometry = Geometry.from_spacing((6, 5, 4), (1, 2, 3))
    labelmap = Labelmap(rng.choice([0, 3], size=geometry.shape).astype(np.uint8), geometry, LABELS)
    values = rng.normal(100, 20, (3, *geometry.shape))
    values[0, 2:4] = np.nan
    values[0, 4, 0] = np.inf
    values[1] = np.nan
    found = measure_labels(labelmap, Volume(values, geometry, channels=("a", "b", "c")))["part 3"].intensity
    assert set(found) == {"a", "c"}
    inside = values[0][(labelmap.voxels == 3) & np.isfinite(values[0])]
    statistics = found["a"]
    assert statistics.mean == pytest.approx(inside.sum() / inside.size)
    assert statistics.standard_deviation == pytest.approx(np.sqrt(((inside - inside.mean()) ** 2).mean()))
    assert (statistics.minimum, statistics.maximum) == (inside.min(), inside.max())
    assert statistics.median == pytest.approx(ndimage.median(inside))
    ordered = np.sort(inside)
    place = 0.05 * (inside.size - 1)
    low = ordered[int(place)] + place % 1 * (ordered[int(place) + 1] - ordered[int(place)])
    assert statistics.percentile_5 == pytest.approx(low)
    assert statistics.percentile_95 == pytest.approx(np.quantile(inside, 0.95))


def test_large_integers_do_not_overflow():
    geometry = Geometry.from_spacing((40, 40, 40), (1, 1, 1))
    labelmap = Labelmap(np.full(geometry.shape, 3, np.uint8), geometry, LABELS)
    scan = Volume(np.full((1, *geometry.shape), 32_000, np.int16), geometry)
    statistics = measure_labels(labelmap, scan)["part 3"].intensity["image"]
    assert (statistics.mean, statistics.standard_deviation) == (32_000, 0)


def test_a_scan_on_another_grid_is_refused():
    labelmap = random_labelmap(Geometry.from_spacing((3, 4, 5), (1, 1, 1)), 0)
    elsewhere = Geometry.from_spacing((3, 4, 5), (1, 1, 1), origin=(0, 0, 1))
    with pytest.raises(GeometryError, match="not on the same grid"):
        measure_labels(labelmap, Volume(np.zeros((1, 3, 4, 5)), elsewhere))


def test_a_picture_has_shares_and_brightness_and_no_lengths():
    geometry = Geometry((6, 5, 1), np.diag([-1.0, -1.0, 1.0, 1.0]))
    voxels = np.zeros(geometry.shape, np.uint8)
    voxels[1:3, 1:4], voxels[5, 4] = 3, 3
    labelmap = Labelmap(voxels, geometry, LABELS)
    scan = Volume(np.full((1, 6, 5, 1), 8.0), geometry, channels=("grey",), source=Source(orientation_known=False))
    found = measure_labels(labelmap, scan)["part 3"]
    assert (found.voxel_count, found.share, found.components) == (7, 7 / 30, 2)
    assert (found.volume_ml, found.surface_mm2, found.bounding_box_mm, found.centre_mm) == (None,) * 4
    assert found.diameters_mm == ()
    assert found.intensity["grey"].mean == 8
    assert measure_labels(labelmap, scan)["part 7"].share == 0
    placed = Volume(scan.voxels, geometry, channels=("grey",))
    assert measure_labels(labelmap, placed)["part 3"].volume_ml == pytest.approx(0.007)
    assert measure_labels(labelmap, placed)["part 3"].share is None
