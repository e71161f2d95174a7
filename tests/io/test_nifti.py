import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vesalius import io
from vesalius.errors import GeometryError, NotEnoughDiskError, OutputError, UnreadableScanError, UnsuitableScanError
from vesalius.results import Label, Labelmap
from vesalius.volume import Geometry, Source, Volume

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def itk_affine(image: sitk.Image) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) @ np.diag(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return LPS_TO_RAS @ affine


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_reads_what_nibabel_wrote(tmp_path, scan, suffix):
    path = tmp_path / f"scan{suffix}"
    nib.save(nib.Nifti1Image(scan.voxels[0], scan.geometry.affine), path)
    read = io.read(path)
    assert read.geometry.is_close(scan.geometry, 1e-4)
    assert read.voxels.dtype == np.int16
    assert np.array_equal(read.voxels, scan.voxels)
    assert read.source == Source((str(path),), "NIfTI")
    assert read.notes == ()


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_nibabel_and_itk_read_what_we_wrote(tmp_path, scan, suffix):
    path = tmp_path / f"scan{suffix}"
    io.write(scan, path)
    image = nib.load(path)
    assert np.allclose(image.get_sform(), scan.geometry.affine, atol=1e-4)
    assert np.allclose(image.get_qform(), scan.geometry.affine, atol=1e-3)
    assert (image.header["sform_code"], image.header["qform_code"]) == (1, 1)
    assert np.array_equal(image.dataobj, scan.voxels[0])
    other = sitk.ReadImage(str(path))
    assert np.allclose(itk_affine(other), scan.geometry.affine, atol=1e-3)
    assert np.array_equal(sitk.GetArrayFromImage(other).T, scan.voxels[0])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.tuples(*[st.integers(1, 6)] * 3),
    channels=st.integers(1, 4),
    dtype=st.sampled_from(["u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_round_trip_changes_nothing(tmp_path, shape, channels, dtype, seed):
    rng = np.random.default_rng(seed)
    affine = np.eye(4)
    while True:
        affine[:3] = rng.normal(size=(3, 4)) * 10
        if np.linalg.svd(affine[:3, :3], compute_uv=False)[-1] > 0.5:
            break
    voxels = rng.integers(0, 100, (channels, *shape)).astype(dtype)
    io.write(Volume(voxels, Geometry(shape, affine), channels=("x",) * channels), tmp_path / "scan.nii")
    read = io.read(tmp_path / "scan.nii")
    assert read.geometry.is_close(Geometry(shape, affine), 1e-3)
    assert read.voxels.dtype == np.dtype(dtype)
    assert np.array_equal(read.voxels, voxels)


def test_voxels_are_read_when_first_asked_for(tmp_path, scan):
    path = tmp_path / "scan.nii.gz"
    io.write(scan, path)
    read = io.read(path)
    assert read.shape == scan.shape
    path.unlink()
    with pytest.raises(UnreadableScanError, match=r"scan\.nii\.gz"):
        _ = read.voxels


def test_the_sform_goes_before_the_qform(tmp_path):
    image = nib.Nifti1Image(np.zeros((2, 3, 4), np.uint8), None)
    image.set_qform(np.diag([1, 2, 3, 1]), 1)
    image.set_sform(np.diag([4, 5, 6, 1]), 1)
    nib.save(image, tmp_path / "both.nii")
    image.set_sform(None, 0)
    nib.save(image, tmp_path / "qform.nii")
    assert io.read(tmp_path / "both.nii").geometry.spacing == (4, 5, 6)
    assert io.read(tmp_path / "qform.nii").geometry.spacing == (1, 2, 3)


def test_without_sform_and_qform_the_orientation_is_unknown(tmp_path):
    image = nib.Nifti1Image(np.zeros((2, 3, 4), np.uint8), None)
    image.header.set_zooms((1, 2, 3))
    nib.save(image, tmp_path / "bare.nii")
    read = io.read(tmp_path / "bare.nii")
    assert not read.source.orientation_known
    assert "left and right are a guess" in read.notes[0]
    assert read.geometry.spacing == (1, 2, 3)
    io.write(read, tmp_path / "again.nii")
    again = nib.load(tmp_path / "again.nii")
    assert again.header["sform_code"] == 2
    assert np.allclose(again.affine, read.geometry.affine)


@pytest.mark.parametrize(("unit", "factor"), [("meter", 1000.0), ("micron", 0.001), ("mm", 1.0)])
def test_the_unit_of_space_counts(tmp_path, unit, factor):
    image = nib.Nifti1Image(np.zeros((2, 3, 4), np.uint8), np.diag([1.0, 2.0, 3.0, 1.0]))
    image.header.set_xyzt_units(unit, "sec")
    nib.save(image, tmp_path / "scan.nii")
    assert np.allclose(io.read(tmp_path / "scan.nii").geometry.spacing, np.array([1, 2, 3]) * factor)


@pytest.mark.parametrize(("slope", "intercept"), [(0.25, -1024.0), (1.0, -1024.0), (3.0, 0.0)])
def test_scaled_voxels_are_float32_and_agree_with_nibabel(tmp_path, slope, intercept):
    raw = np.arange(24, dtype=np.int16).reshape(2, 3, 4) * 1000
    image = nib.Nifti1Image(raw, np.eye(4))
    image.header.set_slope_inter(slope, intercept)
    nib.save(image, tmp_path / "scan.nii.gz")
    voxels = io.read(tmp_path / "scan.nii.gz").voxels
    assert voxels.dtype == np.float32
    assert np.array_equal(voxels[0], nib.load(tmp_path / "scan.nii.gz").get_fdata(dtype=np.float32))


@pytest.mark.parametrize("endian", ["<", ">"])
@pytest.mark.parametrize("image_type", [nib.Nifti1Image, nib.Nifti2Image])
def test_either_version_in_either_byte_order(tmp_path, image_type, endian):
    voxels = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    header = image_type.header_class(endianness=endian)
    header.set_data_dtype(np.int16)
    nib.save(image_type(voxels, np.diag([1, 2, 3, 1]), header), tmp_path / "scan.nii")
    read = io.read(tmp_path / "scan.nii")
    assert read.voxels.dtype.isnative
    assert np.array_equal(read.voxels[0], voxels)
    assert read.geometry.spacing == (1, 2, 3)


@pytest.mark.parametrize(
    ("shape", "size", "channels"),
    [
        ((5, 4), (5, 4, 1), ("image",)),
        ((5, 4, 3, 1), (5, 4, 3), ("image",)),
        ((5, 4, 3, 2), (5, 4, 3), ("t0", "t1")),
        ((5, 4, 3, 1, 3), (5, 4, 3), ("c0", "c1", "c2")),
    ],
)
def test_further_dimensions_are_channels(tmp_path, shape, size, channels):
    voxels = np.random.default_rng(0).integers(0, 99, shape).astype(np.int16)
    nib.save(nib.Nifti1Image(voxels, np.eye(4)), tmp_path / "scan.nii")
    read = io.read(tmp_path / "scan.nii")
    assert read.geometry.shape == size
    assert read.channels == channels
    for n in range(len(channels)):
        assert np.array_equal(read.voxels[n], voxels.reshape(*size, -1)[..., n])


def test_colours_stay_colours(tmp_path):
    voxels = np.random.default_rng(0).integers(0, 255, (3, 5, 4, 2)).astype(np.uint8)
    volume = Volume(voxels, Geometry.from_spacing((5, 4, 2), (1, 1, 1)), channels=("red", "green", "blue"))
    io.write(volume, tmp_path / "scan.nii.gz")
    assert nib.load(tmp_path / "scan.nii.gz").get_data_dtype().names == ("R", "G", "B")
    read = io.read(tmp_path / "scan.nii.gz")
    assert read.channels == volume.channels
    assert np.array_equal(read.voxels, voxels)


def test_labels_are_stored_small(tmp_path, geometry):
    voxels = np.zeros(geometry.shape, np.int64)
    voxels[1, 2, 0] = 300
    io.write(Labelmap(voxels, geometry, {300: Label(name="x", colour="#ffffff")}), tmp_path / "labels.nii.gz")
    image = nib.load(tmp_path / "labels.nii.gz")
    assert image.get_data_dtype() == np.uint16
    assert np.array_equal(image.dataobj, voxels)
    assert np.allclose(image.affine, geometry.affine, atol=1e-4)


def test_a_sheared_grid_is_held_by_the_sform_alone(tmp_path):
    affine = np.eye(4)
    affine[0, 2] = 0.3
    io.write(Volume(np.zeros((1, 2, 3, 4), np.uint8), Geometry((2, 3, 4), affine)), tmp_path / "scan.nii")
    assert nib.load(tmp_path / "scan.nii").header["qform_code"] == 0
    assert np.allclose(io.read(tmp_path / "scan.nii").geometry.affine, affine)


def test_an_axis_too_long_for_nifti_1_is_written_as_nifti_2(tmp_path):
    volume = Volume(np.zeros((1, 33_000, 1, 1), np.uint8), Geometry.from_spacing((33_000, 1, 1), (1, 1, 1)))
    io.write(volume, tmp_path / "long.nii.gz")
    assert isinstance(nib.load(tmp_path / "long.nii.gz"), nib.Nifti2Image)
    assert io.read(tmp_path / "long.nii.gz").shape == (1, 33_000, 1, 1)


@pytest.mark.parametrize("name", ["mni152", "colin27", "aal"])
def test_real_heads_agree_with_nibabel(request, name):
    path = request.getfixturevalue(name)
    image, read = nib.load(path), io.read(path)
    assert np.array_equal(read.geometry.affine, image.affine)
    assert read.geometry.orientation == "".join(nib.aff2axcodes(image.affine))
    assert read.voxels.dtype == image.get_data_dtype()
    assert np.array_equal(read.voxels[0], np.asanyarray(image.dataobj))


# Bad input: one sentence that names the file.


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz"])
@pytest.mark.parametrize("content", [b"", b"hello\n", b"I am a text file. " * 100])
def test_a_text_file_is_no_scan(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableScanError, match=rf"{name} is not a NIfTI file"):
        io.read(tmp_path / name)


@pytest.fixture
def packed(tmp_path) -> Path:
    path = tmp_path / "scan.nii.gz"
    voxels = np.random.default_rng(0).integers(0, 4000, (20, 20, 20)).astype(np.int16)
    nib.save(nib.Nifti1Image(voxels, np.eye(4)), path)
    return path


@pytest.mark.parametrize("share", [0.001, 0.01, 0.5, 0.999])
def test_a_truncated_gzip(packed, share):
    content = packed.read_bytes()
    packed.write_bytes(content[: int(share * len(content))])
    with pytest.raises(UnreadableScanError, match=r"scan\.nii\.gz"):
        _ = io.read(packed).voxels


def test_a_gzip_that_lost_its_checksum(packed):
    packed.write_bytes(packed.read_bytes()[:-4])
    with pytest.raises(UnreadableScanError, match=r"scan\.nii\.gz"):
        _ = io.read(packed).voxels


def test_a_gzip_with_a_flipped_bit(packed):
    content = bytearray(packed.read_bytes())
    content[len(content) // 2] ^= 0x10
    packed.write_bytes(content)
    with pytest.raises(UnreadableScanError, match=r"scan\.nii\.gz"):
        _ = io.read(packed).voxels


def test_a_truncated_plain_file(packed, tmp_path):
    (tmp_path / "short.nii").write_bytes(gzip.decompress(packed.read_bytes())[:5000])
    with pytest.raises(UnreadableScanError, match=r"short\.nii"):
        _ = io.read(tmp_path / "short.nii").voxels


def test_a_plain_file_that_is_named_as_if_it_were_packed(packed, tmp_path):
    (tmp_path / "plain.nii.gz").write_bytes(gzip.decompress(packed.read_bytes()))
    assert np.array_equal(io.read(tmp_path / "plain.nii.gz").voxels, io.read(packed).voxels)


def test_a_header_that_announces_more_than_there_can_be(packed, tmp_path):
    content = bytearray(gzip.decompress(packed.read_bytes()))
    content[40:56] = np.array([3, 30000, 30000, 30000, 1, 1, 1, 1], "<i2").tobytes()
    (tmp_path / "huge.nii").write_bytes(content)
    with pytest.raises(UnreadableScanError, match="far more than it has"):
        io.read(tmp_path / "huge.nii")


def sform(rows: np.ndarray) -> nib.Nifti1Image:
    image = nib.Nifti1Image(np.zeros((2, 3, 4), np.uint8), None)
    image.header["sform_code"] = 1
    for name, row in zip(("srow_x", "srow_y", "srow_z"), rows, strict=True):
        image.header[name] = row
    return image


@pytest.mark.parametrize(
    "rows",
    [np.zeros((3, 4)), np.full((3, 4), np.nan), np.ones((3, 4)), np.diag([1, np.inf, 1, 1])[:3]],
    ids=["zero", "nan", "singular", "infinite"],
)
def test_an_affine_that_is_none(tmp_path, rows):
    image = sform(np.eye(4)[:3])
    nib.save(image, tmp_path / "scan.nii")
    content = bytearray((tmp_path / "scan.nii").read_bytes())
    content[280:328] = np.asarray(rows, "<f4").tobytes()  # srow_x, srow_y, srow_z
    content[254:256] = np.array(1, "<i2").tobytes()  # sform_code
    (tmp_path / "scan.nii").write_bytes(content)
    with pytest.raises(GeometryError, match=r"scan\.nii does not say where its voxels lie.*set its sform"):
        io.read(tmp_path / "scan.nii")


def test_a_quaternion_that_is_none(tmp_path):
    nib.save(nib.Nifti1Image(np.zeros((2, 3, 4), np.uint8), np.eye(4)), tmp_path / "scan.nii")
    content = bytearray((tmp_path / "scan.nii").read_bytes())
    content[252:256] = np.array([1, 0], "<i2").tobytes()  # qform_code, sform_code
    content[256:268] = np.array([2, 0, 0], "<f4").tobytes()  # quatern_b, c, d
    (tmp_path / "scan.nii").write_bytes(content)
    with pytest.raises(GeometryError, match=r"scan\.nii does not say where"):
        io.read(tmp_path / "scan.nii")


@pytest.mark.parametrize(
    ("voxels", "reason"),
    [
        (np.zeros((2, 3, 4), np.complex64), "complex"),
        (np.zeros((2, 3, 4, 2, 3), np.uint8), "2 frames of 3 parts"),
        (np.zeros((2, 3, 4, 2, 3, 2), np.uint8), "two to five dimensions"),
    ],
)
def test_what_is_no_scan_of_one_or_several_channels(tmp_path, voxels, reason):
    nib.save(nib.Nifti1Image(voxels, np.eye(4)), tmp_path / "scan.nii")
    with pytest.raises(UnsuitableScanError, match=reason):
        io.read(tmp_path / "scan.nii")


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_full_disk_leaves_the_old_file(tmp_path, little_disk, suffix):
    path = tmp_path / f"out{suffix}"
    path.write_text("old")
    voxels = np.random.default_rng(0).integers(0, 4000, (1, 40, 40, 40)).astype(np.int16)
    volume = Volume(voxels, Geometry.from_spacing((40, 40, 40), (1, 1, 1)))
    with little_disk(20_000), pytest.raises(NotEnoughDiskError, match=r"no room left to write .*out\.nii"):
        io.write(volume, path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "old"


def test_no_place_to_write(tmp_path, scan):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"out\.nii\.gz cannot be written"):
        io.write(scan, tmp_path / "file" / "out.nii.gz")
