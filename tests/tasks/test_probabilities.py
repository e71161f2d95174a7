"""Probabilities on the scan's own grid, of networks that are formulas."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from scipy.special import expit

from formula_session import FormulaSession, formula_network, formula_spec
from vesalius.engine.progress import Progress
from vesalius.errors import NotEnoughMemoryError, UnsuitableScanError
from vesalius.models.spec import CRFParameters, LocatorSpec, PostProcessing, SlidingGrid, WholeGrid, ZScoreIntensity
from vesalius.tasks.crf import mean_field
from vesalius.tasks.segment import probabilities, segment
from vesalius.volume import Geometry, Volume


def _odds(batch: np.ndarray) -> np.ndarray:
    """Two classes, the second with the image's value as its log-odds."""
    return np.concatenate([np.zeros_like(batch), batch], axis=1)


def _oblique(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> Geometry:
    """Turned by 20° about one axis and 10° about another, two axes exchanged, one reversed."""
    a, b = np.deg2rad(20), np.deg2rad(10)
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    tilt = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ tilt @ np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]]) * spacing
    affine[:3, 3] = 12, -30, 5
    return Geometry(shape, affine)


def _scan(geometry: Geometry, seed: int = 0) -> Volume:
    return Volume(np.random.default_rng(seed).normal(size=(1, *geometry.shape)).astype(np.float32), geometry)


def _ramp(geometry: Geometry) -> Volume:
    """A value that grows evenly along a slanting direction of the patient, from about -1 to 1."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in geometry.shape), indexing="ij"), axis=-1)
    along = (geometry.to_world(index) - geometry.to_world((np.array(geometry.shape) - 1) / 2)) @ [1.0, 0.5, -0.7]
    return Volume((along / np.abs(along).max())[None].astype(np.float32), geometry)


PATCHED = SlidingGrid(patch=(8, 8, 8))


@pytest.mark.parametrize("orientation", ["RAS", "ILP"])
def test_on_the_scans_own_spacing_every_voxel_keeps_its_value(orientation: str) -> None:
    spec = formula_spec(formula_network(grid=PATCHED), orientation=orientation)
    scan, session = _scan(_oblique((11, 14, 9), (1.0, 0.7, 2.5))), FormulaSession(spec, {"main": (2, _odds)})
    shares = probabilities(session, scan, Progress())
    assert shares.dtype == np.float32
    np.testing.assert_allclose(shares[1], expit(scan.voxels[0]), atol=1e-5)
    np.testing.assert_allclose(shares[0], expit(-scan.voxels[0]), atol=1e-5)
    np.testing.assert_array_equal(segment(session, scan, Progress()).labelmap.voxels, scan.voxels[0] > 0)


@pytest.mark.parametrize(
    "grid",
    [
        SlidingGrid(patch=(8, 8, 8), spacing=(1.7, 1.7, 1.7)),
        SlidingGrid(patch=(8, 8, 8), spacing=(0.6, 0.9, 1.1)),
        WholeGrid(size=(15, 13, 17)),
    ],
)
def test_from_another_grid_they_come_back_to_the_same_place_in_the_patient(grid) -> None:
    scan = _ramp(_oblique((20, 30, 12), (1.0, 0.7, 2.1)))
    spec = formula_spec(formula_network(grid=grid), orientation="LIP")
    shares = probabilities(FormulaSession(spec, {"main": (2, _odds)}), scan, Progress())
    inner = (slice(2, -2), slice(2, -2), slice(1, -1))
    np.testing.assert_allclose(shares[1][inner], expit(scan.voxels[0])[inner], atol=4e-3)
    np.testing.assert_allclose(shares.sum(0), 1, atol=1e-5)
    assert shares.min() >= 0


def _located(min_share: float = 0.0) -> FormulaSession:
    """Its locator marks what exceeds 5, its network says 80 % everywhere."""
    locator = LocatorSpec(
        network=formula_network("locator", grid=PATCHED, threshold=5.0), margin=0.0, min_share=min_share
    )
    spec = formula_spec(formula_network(grid=PATCHED), locator=locator, orientation="LSA")
    constant = (2, lambda batch: _odds(np.full_like(batch, np.log(4))))
    return FormulaSession(spec, {"main": constant, "locator": (1, lambda batch: batch)})


def test_outside_the_region_that_a_locator_finds_background_is_certain() -> None:
    geometry = _oblique((12, 10, 14), (1.0, 1.0, 1.0))
    voxels = np.zeros((1, *geometry.shape), np.float32)
    box = (slice(2, 9), slice(4, 8), slice(5, 13))
    voxels[0][box] = 10
    shares = probabilities(_located(), Volume(voxels, geometry), Progress())
    expected = np.zeros(geometry.shape)
    expected[box] = 0.8
    np.testing.assert_allclose(shares[1], expected, atol=1e-6)
    np.testing.assert_allclose(shares[0], 1 - expected, atol=1e-6)


def test_where_a_locator_finds_nothing_all_is_background() -> None:
    scan = Volume(np.zeros((1, 9, 8, 7), np.float32), Geometry.from_spacing((9, 8, 7), (1, 1, 1)))
    shares = probabilities(_located(), scan, Progress())
    assert shares.shape == (2, 9, 8, 7)
    assert (shares[0] == 1).all()
    assert not shares[1].any()


def test_with_a_random_field_they_are_its_marginals_and_labels_follow_them() -> None:
    crf = CRFParameters(smoothness_mm=2.0, appearance_mm=4.0, appearance_intensity=1.0)
    network = formula_network(grid=PATCHED, intensity=ZScoreIntensity())
    spec = formula_spec(network, post=PostProcessing(crf=crf))
    scan = Volume(_scan(Geometry.from_spacing((10, 12, 9), (1, 2, 1.5))).voxels * 50 + 7, _ras((10, 12, 9)))
    session, progress = FormulaSession(spec, {"main": (2, _odds)}), Progress()
    image = (scan.voxels - scan.voxels.mean()) / scan.voxels.std()
    before = np.stack([expit(-image[0]), expit(image[0])])
    expected = mean_field(before, image, scan.geometry.spacing, crf)
    np.testing.assert_allclose(probabilities(session, scan, progress), expected, atol=1e-3)
    done = segment(session, scan, progress)
    np.testing.assert_array_equal(done.labelmap.voxels, expected.argmax(0))
    assert (done.labelmap.voxels != before.argmax(0)).mean() > 0.05
    assert "segment: conditional random field" in [stage.name for stage in progress.stages]


def test_a_label_that_does_not_reach_the_threshold_gives_way_to_background() -> None:
    scan = _scan(Geometry.from_spacing((10, 12, 9), (1, 2, 1.5)))
    plain = FormulaSession(formula_spec(formula_network(grid=PATCHED)), {"main": (2, _odds)})
    strict = FormulaSession(
        formula_spec(formula_network(grid=PATCHED), post=PostProcessing(threshold=0.7)), {"main": (2, _odds)}
    )
    labels = segment(strict, scan, Progress()).labelmap.voxels
    np.testing.assert_array_equal(labels, expit(scan.voxels[0]) >= 0.7)
    assert 0 < labels.sum() < segment(plain, scan, Progress()).labelmap.voxels.sum()


def _ras(shape: tuple[int, int, int]) -> Geometry:
    return Geometry.from_spacing(shape, (1, 2, 1.5))


def test_what_does_not_fit_is_refused_before_anything_runs(monkeypatch) -> None:
    def never(batch: np.ndarray) -> np.ndarray:
        pytest.fail("it ran")

    scan = _scan(_ras((40, 40, 40)))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=3 * 2**20))
    spec = formula_spec(formula_network(grid=PATCHED), post=PostProcessing(crf=CRFParameters()))
    with pytest.raises(NotEnoughMemoryError, match="conditional random field on 40×40×40 voxels"):
        segment(FormulaSession(spec, {"main": (2, never)}), scan, Progress())
    many = FormulaSession(spec, {"main": (40, never)})
    with pytest.raises(NotEnoughMemoryError, match="40 probabilities for each of the scan's 64000 voxels"):
        probabilities(many, scan, Progress())


def test_a_scan_that_the_model_cannot_take_is_refused() -> None:
    scan = Volume(np.full((1, 9, 9, 9), np.nan, np.float32), _ras((9, 9, 9)))
    session = FormulaSession(formula_spec(formula_network(grid=PATCHED)), {"main": (2, _odds)})
    with pytest.raises(UnsuitableScanError, match="not a number"):
        probabilities(session, scan, Progress())
