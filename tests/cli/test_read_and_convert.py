"""``vesalius read`` and ``vesalius convert``: what nibabel sees before and after."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from vesalius.cli import run
from vesalius.cli.convert import pick
from vesalius.errors import ScanNotFoundError
from vesalius.volume import Geometry, Source, Volume

OBLIQUE = np.array([[0.0, -1.2, 0.3, 20], [0.9, 0, 0.1, -31], [0, 0.36, 2.4, 7], [0, 0, 0, 1]])


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """A NIfTI of 6×5×4 voxels, oblique and anisotropic, two of its voxels NaN."""
    voxels = np.arange(120, dtype=np.float32).reshape(6, 5, 4)
    voxels[0, 0, :2] = np.nan
    path = tmp_path / "scan.nii.gz"
    nib.save(nib.Nifti1Image(voxels, OBLIQUE), path)
    return path


def test_a_scan_is_described_as_nibabel_sees_it(scan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["read", str(scan), "--json"]) == 0
    (series,) = json.loads(capsys.readouterr().out)
    assert series["size"] == [6, 5, 4]
    assert series["spacing_mm"] == pytest.approx(nib.affines.voxel_sizes(OBLIQUE), rel=1e-6)
    assert series["orientation"] == "".join(nib.aff2axcodes(OBLIQUE))
    assert series["oblique"] is True


def test_a_scan_is_described_for_people(scan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["read", str(scan)]) == 0
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("1  NIfTI, 6 × 5 × 4")
    assert second == "   0.9 × 1.253 × 2.421 mm, orientation ALS, oblique"


def test_every_series_of_a_study_is_listed_and_one_is_converted(
    brain_mri: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["read", str(brain_mri), "--json"]) == 0
    series = json.loads(capsys.readouterr().out)
    assert len(series) == 5
    number = next(n for n, one in enumerate(series, start=1) if one["size"] == [35, 51, 32])
    uid = series[number - 1]["series_uid"]
    for wanted in (str(number), uid, uid[-8:]):
        out = tmp_path / f"{wanted}.nii.gz"
        assert run(["convert", str(brain_mri), str(out), "--series", wanted]) == 0
        assert nib.load(out).shape == (35, 51, 32)
    assert run(["convert", str(brain_mri), str(tmp_path / "x.nii.gz")]) == 3
    assert not (tmp_path / "x.nii.gz").exists()


@pytest.mark.parametrize("name", ["out.nii", "out.nrrd", "out.mha"])
def test_converting_changes_neither_values_nor_places(scan: Path, name: str) -> None:
    out = scan.with_name(name)
    back = scan.with_name("back.nii.gz")
    assert run(["convert", str(scan), str(out)]) == 0
    assert run(["convert", str(out), str(back)]) == 0
    first, last = nib.load(scan), nib.load(back)
    canonical = [nib.as_closest_canonical(image) for image in (first, last)]
    np.testing.assert_array_equal(canonical[0].get_fdata(), canonical[1].get_fdata())
    np.testing.assert_allclose(canonical[0].affine, canonical[1].affine, atol=1e-4)


def test_holes_are_filled_when_asked(scan: Path) -> None:
    out = scan.with_name("filled.nii.gz")
    assert run(["convert", str(scan), str(out), "--fill-nan", "-7"]) == 0
    before, after = nib.load(scan).get_fdata(), nib.load(out).get_fdata()
    assert after[0, 0, :2].tolist() == [-7, -7]
    holes = np.isnan(before)
    np.testing.assert_array_equal(after[~holes], before[~holes])


@pytest.mark.parametrize("series", ["0", "3", "1.2.3", "9.9"])
def test_a_series_that_is_not_there_or_not_the_only_one_is_refused(series: str) -> None:
    grid = Geometry.from_spacing((1, 1, 1), (1, 1, 1))
    volumes = [Volume(np.zeros((1, 1, 1, 1)), grid, source=Source(series_uid=f"1.2.3.{n}")) for n in (5, 6)]
    assert pick(volumes, "2") is volumes[1]
    assert pick(volumes, "1.2.3.5") is volumes[0]
    with pytest.raises(ScanNotFoundError, match=f"--series {series}"):
        pick(volumes, series)


@pytest.mark.parametrize(
    ("scan_name", "out_name", "code"),
    [("missing.nii.gz", "out.nii", 3), ("scan.nii.gz", "out.unknown", 2), ("scan.nii.gz", "no/where/out.nii.gz", 2)],
)
def test_what_cannot_be_converted_is_a_sentence(
    scan: Path, scan_name: str, out_name: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(scan.parent.rglob("*"))
    assert run(["convert", str(scan.with_name(scan_name)), str(scan.parent / out_name)]) == code
    assert capsys.readouterr().err.count("\n") == 1
    assert sorted(scan.parent.rglob("*")) == before
