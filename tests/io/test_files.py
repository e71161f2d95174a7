import json
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from vesalius import io
from vesalius.errors import (
    GeometryError,
    OutputError,
    ScanNotFoundError,
    SeveralSeriesError,
    UnreadableScanError,
    UnsuitableScanError,
)
from vesalius.volume import Geometry, Volume


def nifti(path, value=0):
    nib.save(nib.Nifti1Image(np.full((2, 3, 4), value, np.uint8), np.eye(4)), path)


def test_a_missing_path(tmp_path):
    with pytest.raises(ScanNotFoundError, match=r"no file or folder .*nowhere"):
        io.read(tmp_path / "nowhere")


def test_an_empty_folder(tmp_path):
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    with pytest.raises(ScanNotFoundError, match="holds no scan"):
        io.read(tmp_path)


def test_a_folder_of_other_things(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / ".hidden.nii").write_text("hello")
    with pytest.raises(ScanNotFoundError, match="holds no scan"):
        io.read(tmp_path)


def test_a_file_of_no_known_format(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(UnreadableScanError, match=r"notes\.txt is of no known format; DICOM, NIfTI"):
        io.read(tmp_path / "notes.txt")


@pytest.mark.parametrize("as_text", [str, lambda path: path])
def test_the_one_scan_in_a_folder_however_deep(tmp_path, as_text):
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    nifti(tmp_path / "deep" / "deeper" / "scan.nii.gz", 5)
    (tmp_path / "readme.txt").write_text("hello")
    assert io.read(as_text(tmp_path)).voxels.max() == 5


def test_the_content_tells_where_the_name_does_not(tmp_path, make_dicom):
    nifti(tmp_path / "scan.nii")
    (tmp_path / "scan.nii").rename(tmp_path / "one")
    Image.new("L", (3, 2)).save(tmp_path / "two", format="PNG")
    make_dicom(np.zeros((1, 4, 4), np.uint8), name=lambda _: "three")
    formats = {
        io.read(path).source.format for path in (tmp_path / "one", tmp_path / "two", tmp_path / "dicom" / "three")
    }
    assert formats == {"NIfTI", "PNG", "DICOM"}


def test_several_scans_are_listed_and_all_read(tmp_path, make_dicom):
    make_dicom(np.zeros((3, 4, 4), np.uint8))
    nifti(tmp_path / "a.nii.gz")
    Image.new("RGB", (7, 5)).save(tmp_path / "b.png")
    with pytest.raises(SeveralSeriesError) as caught:
        io.read(tmp_path)
    listed = (
        "holds 3 series: (1) NIfTI, 2 × 3 × 4, 1 file; (2) PNG, 7 × 5 × 1, 1 file; "
        "(3) MR, made up, 4 × 4 × 3, 3 files, …1.2.3.4; "
    )
    assert listed in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(io.read_all(tmp_path)) == 3


def test_a_long_list_is_cut(tmp_path):
    for n in range(15):
        nifti(tmp_path / f"{n}.nii")
    with pytest.raises(SeveralSeriesError, match=r"\(10\) .*; …; name the file"):
        io.read(tmp_path)


def test_what_could_not_be_read_beside_a_scan_is_said(tmp_path):
    nifti(tmp_path / "good.nii")
    (tmp_path / "bad.nii").write_text("hello")
    read = io.read(tmp_path)
    assert read.source.paths == (str(tmp_path / "good.nii"),)
    assert read.notes == (
        f"left out: {tmp_path / 'bad.nii'} is not a NIfTI file, whatever its name says; hand in the scan itself",
    )


def test_when_nothing_can_be_read_the_first_reason_is_given(tmp_path):
    (tmp_path / "a.nii").write_text("hello")
    (tmp_path / "b.nii").write_text("hello")
    with pytest.raises(UnreadableScanError, match=r"a\.nii is not a NIfTI file.*and 1 other"):
        io.read(tmp_path)


def test_an_unknown_suffix_is_no_format_to_write(tmp_path):
    volume = Volume(np.zeros((1, 2, 3, 4), np.uint8), Geometry.from_spacing((2, 3, 4), (1, 1, 1)))
    with pytest.raises(OutputError, match=r"out\.xyz names no format.*\.nii\.gz"):
        io.write(volume, tmp_path / "out.xyz")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["OUT.NII.GZ", "out.Mha"])
def test_the_case_of_a_suffix_does_not_matter(tmp_path, name):
    volume = Volume(np.arange(24, dtype=np.uint8).reshape(1, 2, 3, 4), Geometry.from_spacing((2, 3, 4), (1, 1, 1)))
    io.write(volume, tmp_path / name)
    assert np.array_equal(io.read(tmp_path / name).voxels, volume.voxels)


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_a_written_scan_keeps_what_nan_voxels_it_had(tmp_path, suffix):
    voxels = np.full((1, 2, 3, 4), np.nan, np.float32)
    volume = Volume(voxels, Geometry.from_spacing((2, 3, 4), (1, 1, 1)))
    io.write(volume, tmp_path / f"out{suffix}")
    assert np.isnan(io.read(tmp_path / f"out{suffix}").voxels).all()


def test_a_summary_is_json_and_names_all_that_a_reader_asks(make_dicom):
    summary = io.describe(io.read(make_dicom(np.zeros((3, 4, 5), np.uint8))[0].parent)).as_dict()
    assert json.loads(json.dumps(summary)) == {
        "format": "DICOM",
        "modality": "MR",
        "description": "made up",
        "size": [5, 4, 3],
        "spacing_mm": [0.5, 0.8, 2.5],
        "orientation": "LPS",
        "orientation_known": True,
        "oblique": False,
        "channels": ["image"],
        "series_uid": "1.2.3.4",
        "files": 3,
        "notes": [],
    }


def test_every_error_of_bad_input_exits_with_3():
    kinds = (ScanNotFoundError, UnreadableScanError, GeometryError, SeveralSeriesError, UnsuitableScanError)
    assert {kind.exit_code for kind in kinds} == {3}


def test_importing_io_imports_no_library_of_a_format():
    heavy = ("nibabel", "pydicom", "SimpleITK", "PIL", "pydantic", "scipy", "torch")
    code = f"import sys, vesalius.io; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
