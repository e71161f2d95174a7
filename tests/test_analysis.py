"""The promise of the first model: the same brain as deepbet finds, on the scan's own grid, however the scan lies."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy.ndimage import affine_transform

import vesalius as vs
from benchmarks.turned import turned_grid
from vesalius.engine.progress import Silent
from vesalius.errors import CancelledError, InputError, OutputError, UnsuitableScanError
from vesalius.results import Report
from vesalius.transforms.resample import resample
from vesalius.volume import Geometry, Volume

pytestmark = pytest.mark.slow
FILES = {"segmentation.nii.gz", "scene.glb", "scene.png", "report.html", "report.json"}


def _dice(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b)))


@pytest.fixture(scope="module", params=["mni152", "colin27"])
def head(request) -> Path:
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def report(head: Path) -> Report:
    return vs.analyze(head, "brain")


def test_the_mask_is_deepbets_on_the_scans_own_grid(head: Path, report: Report) -> None:
    deepbet = pytest.importorskip("deepbet.bet")
    image = nib.load(head)
    _, mask, _ = deepbet.BrainExtraction(no_gpu=True).run(image)
    ours = report.labelmap
    assert ours.geometry == Geometry(image.shape[:3], image.affine)
    assert _dice(ours.voxels == 1, np.asanyarray(mask.dataobj) > 0) >= 0.99
    assert report.warnings == []


def test_the_reports_numbers_are_those_of_the_mask(report: Report) -> None:
    count = int((report.labelmap.voxels == 1).sum())
    measured = report.measurements["brain"]
    assert measured.voxel_count == count
    assert measured.volume_ml == pytest.approx(count * report.labelmap.geometry.voxel_volume / 1000)
    assert measured.components == 1
    assert report.engine.memory_estimate_bytes > 0
    assert {"read", "segment: network", "measure"} <= {stage.name for stage in report.stages}


@pytest.mark.parametrize("orientation", ["LPS", "PIR", "SLA"])
def test_reordered_axes_change_nothing(head: Path, report: Report, orientation: str) -> None:
    scan = vs.read(head).reoriented(orientation)
    mask = vs.analyze(scan, "brain").labelmap
    assert mask.geometry.orientation == orientation
    back = Volume(mask.voxels[None], mask.geometry).reoriented(report.labelmap.geometry.orientation)
    assert back.geometry.is_close(report.labelmap.geometry)
    assert _dice(back.voxels[0] == 1, report.labelmap.voxels == 1) >= 0.999


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_an_oblique_copy_has_the_same_brain_in_the_patient(head: Path, report: Report, axis: int) -> None:
    scan = vs.read(head)
    oblique = turned_grid(scan.geometry, axis, 20)
    matrix = oblique.index_map(scan.geometry)
    voxels = affine_transform(
        scan.voxels[0].astype(np.float32), matrix[:3, :3], matrix[:3, 3], output_shape=oblique.shape, order=1
    )
    copy = vs.analyze(Volume(voxels[None], oblique, "MR"), "brain")
    assert copy.labelmap.geometry == oblique
    reference = report.labelmap
    seen = resample((copy.labelmap.voxels == 1).astype(np.float32), oblique, reference.geometry, "linear") > 0.5
    assert _dice(seen, reference.voxels == 1) >= 0.98
    assert [warning.code for warning in copy.warnings] == []


def test_thick_slices_from_dicom(brain_mri: Path) -> None:
    report = vs.analyze(brain_mri / "t1-pre", "brain")
    geometry = report.labelmap.geometry
    assert geometry.is_close(vs.read(brain_mri / "t1-pre").geometry)
    assert 900 < report.measurements["brain"].volume_ml < 2100
    flipped = vs.analyze(vs.read(brain_mri / "t1-pre").reoriented("RAS"), "brain")
    back = Volume(flipped.labelmap.voxels[None], flipped.labelmap.geometry).reoriented(geometry.orientation)
    assert _dice(back.voxels[0] == 1, report.labelmap.voxels == 1) >= 0.999


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_thick_slices_under_an_oblique_header_have_the_same_brain(brain_mri: Path, axis: int) -> None:
    """The voxels as they are, said to lie turned by 20°; resampled copies of so thick slices differ more."""
    scan = vs.read(brain_mri / "t1-pre")
    turned = Volume(scan.voxels, turned_grid(scan.geometry, axis, 20), "MR")
    mask, reference = (vs.analyze(volume, "brain").labelmap for volume in (turned, scan))
    assert mask.geometry == turned.geometry
    assert _dice(mask.voxels == 1, reference.voxels == 1) >= 0.98


@pytest.mark.parametrize("series", ["t2", "flair"])
def test_another_contrast_gets_a_warning(brain_mri: Path, series: str) -> None:
    assert vs.analyze(brain_mri / series, "brain").warnings != []


def test_a_scan_that_lies_about_which_way_is_up_gets_a_warning(head: Path) -> None:
    scan = vs.read(head).reoriented("RAS")
    upside_down = Volume(scan.voxels[:, :, :, ::-1].copy(), scan.geometry, scan.modality)
    assert vs.analyze(upside_down, "brain").warnings != []


def test_the_output_folder(head: Path, tmp_path: Path) -> None:
    report = vs.analyze(head, "brain", out=tmp_path / "out")
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == FILES == set(report.files.values())
    written = json.loads((out / "report.json").read_text())
    assert written["measurements"]["brain"]["voxel_count"] == report.measurements["brain"].voxel_count
    image = nib.load(out / "segmentation.nii.gz")
    np.testing.assert_allclose(image.affine, report.labelmap.geometry.affine, atol=1e-4)
    np.testing.assert_array_equal(np.asanyarray(image.dataobj), report.labelmap.voxels)
    assert list(tmp_path.iterdir()) == [out]


class StopAt(Silent):
    """Interrupts when a stage begins, as Ctrl-C does."""

    def __init__(self, stage: str) -> None:
        self.stage = stage

    def started(self, stage: str, steps: int) -> None:
        if stage == self.stage:
            raise CancelledError("stopped")


@pytest.mark.parametrize("stage", ["read", "segment: network", "meshes", "picture", "labelmap and scene"])
def test_stopping_in_any_stage_leaves_nothing(mni152: Path, tmp_path: Path, stage: str) -> None:
    with pytest.raises(CancelledError):
        vs.analyze(mni152, "brain", out=tmp_path / "out", listener=StopAt(stage))
    assert list(tmp_path.iterdir()) == []


def test_scans_that_the_model_cannot_take(tmp_path: Path) -> None:
    geometry = Geometry.from_spacing((40, 40, 40), (4, 4, 4))
    voxels = np.random.default_rng(0).random((1, 40, 40, 40), np.float32)
    with_nan = voxels.copy()
    with_nan[0, 3, 4, 5] = np.nan
    cases = {
        "not a number": Volume(with_nan, geometry),
        "single slice": Volume(voxels[..., :1], Geometry.from_spacing((40, 40, 1), (4, 4, 4))),
        "channel": Volume(np.repeat(voxels, 3, axis=0), geometry, channels=("t0", "t1", "t2")),
        "no contrast": Volume(np.ones_like(voxels), geometry),
    }
    for reason, scan in cases.items():
        with pytest.raises(UnsuitableScanError, match=reason):
            vs.analyze(scan, "brain", out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_noise_has_no_brain_and_says_so() -> None:
    geometry = Geometry.from_spacing((40, 40, 40), (4, 4, 4))
    voxels = np.random.default_rng(0).random((1, 40, 40, 40), np.float32)
    assert vs.analyze(Volume(voxels, geometry), "brain").warnings != []


def test_an_output_that_cannot_be_written_is_known_before_the_work(mni152: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        vs.analyze(mni152, "brain", out=tmp_path / "file" / "out")
    with pytest.raises(InputError):
        vs.analyze(tmp_path / "missing.nii.gz", "brain", out=tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"file"}
