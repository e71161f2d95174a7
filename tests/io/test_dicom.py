import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from vesalius import io
from vesalius.errors import (
    GeometryError,
    SeveralSeriesError,
    UnreadableScanError,
    UnsuitableScanError,
)

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
PIXELS = np.random.default_rng(0).integers(-900, 3000, (6, 5, 4)).astype(np.int16)  # (K, J, I)


def rotated(seed: int) -> np.ndarray:
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return q


DIRECTIONS = {
    "axial": np.eye(3)[:2],
    "sagittal": np.array([[0, 1, 0], [0, 0, -1]]),
    "coronal": np.array([[1, 0, 0], [0, 0, -1]]),
    "upside-down": np.array([[-1, 0, 0], [0, 1, 0]]),
    "oblique": rotated(3)[:2],
    "oblique-again": rotated(4)[:2],
}


def gdcm(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """(I, J, K) voxels and the affine, in RAS, that GDCM makes of a folder."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) @ np.diag(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return sitk.GetArrayFromImage(image).T, LPS_TO_RAS @ affine


@pytest.mark.parametrize("directions", DIRECTIONS.values(), ids=DIRECTIONS.keys())
@pytest.mark.parametrize("sense", [1, -1], ids=["along the normal", "against it"])
def test_every_voxel_is_where_the_standard_says(make_dicom, directions, sense):
    """PS3.3, C.7.6.2.1.1, equation C.7.6.2.1-1, image by image; and GDCM agrees."""
    step = sense * 2.5 * np.cross(*directions)
    paths = make_dicom(PIXELS, directions=tuple(directions.ravel()), step=tuple(step))
    read = io.read(paths[0].parent)
    assert read.shape == (1, 4, 5, 6)
    for path in paths:
        header = pydicom.dcmread(path)
        for column, row in [(0, 0), (3, 0), (0, 4), (3, 4)]:
            along_row = np.array(header.ImageOrientationPatient[:3]) * header.PixelSpacing[1] * column
            along_column = np.array(header.ImageOrientationPatient[3:]) * header.PixelSpacing[0] * row
            lps = np.array(header.ImagePositionPatient) + along_row + along_column
            index = read.geometry.to_index(lps * (-1, -1, 1))
            assert np.allclose(index, np.round(index), atol=1e-5)
            i, j, k = np.round(index).astype(int)
            assert (i, j) == (column, row)
            assert read.voxels[0, i, j, k] == header.pixel_array[row, column]
    voxels, affine = gdcm(paths[0].parent)
    assert np.allclose(read.geometry.affine, affine, atol=1e-5)
    assert np.array_equal(read.voxels[0], voxels)
    assert read.notes == ()


@pytest.mark.parametrize("series", ["t1-pre", "t1-post", "flair", "t2", "hippocampus-crop"])
def test_a_real_patient_agrees_with_gdcm_under_shuffled_names(brain_mri, tmp_path, series):
    check_against_gdcm(brain_mri / series, tmp_path)


@pytest.mark.parametrize("position", ["head-first-supine", "head-first-decubitus-left"])
def test_a_phantom_on_its_back_and_on_its_side_agrees_with_gdcm(patient_positions, tmp_path, position):
    check_against_gdcm(patient_positions / position, tmp_path)


def check_against_gdcm(folder: Path, tmp_path: Path) -> None:
    voxels, affine = gdcm(folder)
    files = sorted(folder.iterdir())
    for number, n in enumerate(np.random.default_rng(0).permutation(len(files))):
        shutil.copy(files[n], tmp_path / f"{number}.dcm")
    read = io.read(tmp_path)
    assert np.allclose(read.geometry.affine, affine, atol=1e-4)
    assert read.voxels.dtype == voxels.dtype
    assert np.array_equal(read.voxels[0], voxels)
    assert read.modality == "MR"
    assert read.notes == ()


def test_the_two_positions_of_a_phantom_lie_alike_in_the_patient(patient_positions):
    """DICOM's axes are the patient's, not the scanner's: the same planned stack has the same affine on any side."""
    supine, side = (io.read(patient_positions / f"head-first-{p}") for p in ("supine", "decubitus-left"))
    assert supine.geometry.is_close(side.geometry)
    assert not np.array_equal(supine.voxels, side.voxels)


def test_what_the_source_keeps_and_what_it_does_not(make_dicom):
    paths = make_dicom(PIXELS, patient="secret-1234", name=lambda k: f"{5 - k}.dcm")
    read = io.read(paths[0].parent)
    assert read.source.series_uid == "1.2.3.4"
    assert read.source.study_uid == "1.2.3.4.100"
    assert read.source.frame_of_reference_uid == "1.2.3.4.200"
    assert read.source.description == "made up"
    assert read.source.paths == tuple(str(path) for path in paths)
    everything = f"{read.source}{read.notes}{io.describe(read)}"
    assert "secret-1234" not in everything
    assert "Doe" not in everything


def test_pixels_are_read_when_first_asked_for(make_dicom):
    paths = make_dicom(PIXELS)
    read = io.read(paths[0].parent)
    assert read.shape == (1, 4, 5, 6)
    paths[2].unlink()
    with pytest.raises(UnreadableScanError, match=paths[2].name):
        _ = read.voxels


def test_a_single_file_is_a_single_slice(make_dicom):
    read = io.read(make_dicom(PIXELS)[3])
    assert read.shape == (1, 4, 5, 1)
    assert np.array_equal(read.voxels[0, :, :, 0], PIXELS[3].T)
    assert np.allclose(read.geometry.spacing, (0.5, 0.8, 2))
    assert np.allclose(read.geometry.to_world((0, 0, 0)), (100.5, -20.25, 7 + 3 * 2.5))


# What the values mean.


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2"])
def test_stored_integers_stay_what_they_are(make_dicom, dtype):
    info = np.iinfo(dtype)
    pixels = np.array([info.min, info.max, 0, 1] * 5, dtype).reshape(1, 5, 4).repeat(2, axis=0)
    read = io.read(make_dicom(pixels)[0].parent)
    assert read.voxels.dtype == np.dtype(dtype)
    assert np.array_equal(read.voxels[0], pixels.T)


@pytest.mark.parametrize(
    ("slope", "intercept", "dtype"),
    [(1, -1024, np.int32), (2, 5, np.int32), (0.5, 0, np.float32), (1, 0.25, np.float32)],
)
def test_values_are_rescaled(make_dicom, slope, intercept, dtype):
    pixels = (PIXELS + 900).astype(np.uint16)
    paths = make_dicom(pixels, RescaleSlope=slope, RescaleIntercept=intercept)
    read = io.read(paths[0].parent)
    assert read.voxels.dtype == dtype
    assert np.array_equal(read.voxels[0], pixels.T.astype(float) * slope + intercept)
    assert np.array_equal(read.voxels[0], gdcm(paths[0].parent)[0])


def test_twelve_bits_with_an_intercept_fit_16(make_dicom):
    pixels = (PIXELS + 900).astype(np.uint16)
    paths = make_dicom(pixels, BitsStored=12, HighBit=11, RescaleSlope=1, RescaleIntercept=-1024)
    voxels = io.read(paths[0].parent).voxels
    assert voxels.dtype == np.int16
    assert np.array_equal(voxels[0], pixels.T.astype(int) - 1024)


def test_each_image_has_its_own_scale(make_dicom):
    """As in positron emission tomography."""
    paths = make_dicom(PIXELS, RescaleSlope=lambda k: 0.5 * (k + 1), RescaleIntercept=0)
    voxels = io.read(paths[0].parent).voxels
    for k in range(6):
        assert np.array_equal(voxels[0, :, :, k], PIXELS[k].T * np.float32(0.5 * (k + 1)))


@pytest.mark.parametrize(("modality", "inverts"), [("DX", True), ("CR", True), ("PT", False), ("MR", False)])
def test_bright_is_much(make_dicom, modality, inverts):
    pixels = (PIXELS[:1] + 900).astype(np.uint16)
    elements = {"PhotometricInterpretation": "MONOCHROME1", "BitsStored": 12, "HighBit": 11}
    read = io.read(make_dicom(pixels, Modality=modality, **elements)[0])
    assert np.array_equal(read.voxels[0], 4095 - pixels.T if inverts else pixels.T)
    assert any("inverted" in note for note in read.notes) == inverts


def test_bright_is_much_in_signed_values_too(make_dicom):
    pixels = (PIXELS[:1] // 2).astype(np.int16)
    elements = {"PhotometricInterpretation": "MONOCHROME1", "Modality": "DX", "BitsStored": 12, "HighBit": 11}
    read = io.read(make_dicom(pixels, **elements)[0])
    assert np.array_equal(read.voxels[0], -1 - pixels.T)  # the range is -2048 to 2047


def test_colours(make_dicom):
    pixels = np.random.default_rng(0).integers(0, 255, (2, 5, 4, 3)).astype(np.uint8)
    read = io.read(make_dicom(pixels)[0].parent)
    assert read.channels == ("red", "green", "blue")
    assert np.array_equal(read.voxels, pixels.transpose(3, 2, 1, 0))


@pytest.mark.parametrize(
    "name",
    ["MR_small_RLE", "MR_small_jp2klossless", "MR_small_jpeg_ls_lossless", "MR_small_implicit", "MR_small_bigendian"],
)
def test_each_lossless_coding_gives_the_same_picture(name):
    reference = io.read(pydicom.data.get_testdata_file("MR_small.dcm"))
    read = io.read(pydicom.data.get_testdata_file(f"{name}.dcm"))
    assert np.array_equal(read.voxels, reference.voxels)
    assert read.geometry == reference.geometry


@pytest.mark.parametrize("name", ["CT_small", "693_J2KI", "JPEG2000", "SC_rgb_rle", "examples_palette"])
def test_pictures_of_many_makers_agree_with_gdcm(name):
    path = pydicom.data.get_testdata_file(f"{name}.dcm")
    image = sitk.ReadImage(path)
    array = sitk.GetArrayFromImage(image)[0]
    expected = array.transpose(2, 1, 0) if array.ndim == 3 else array.T[np.newaxis]
    assert np.array_equal(io.read(path).voxels[..., 0], expected)


def test_a_dose_is_in_gray(make_dicom):
    """RT Dose scales by an element of its own (PS3.3, C.8.8.3)."""
    read = io.read(make_dicom((PIXELS[:1] + 900).astype(np.uint16), Modality="RTDOSE", DoseGridScaling=0.25)[0])
    assert np.array_equal(read.voxels[0], (PIXELS[:1] + 900).T * 0.25)


def test_a_slope_of_zero_is_no_scale(make_dicom):
    with pytest.raises(UnreadableScanError, match="rescale slope is zero"):
        io.read(make_dicom(PIXELS[:1], RescaleSlope=0, RescaleIntercept=0)[0])


def test_values_beyond_32_bits_become_float(make_dicom):
    pixels = np.array([0, 1, 2**31, 2**32 - 1] * 5, np.uint32).reshape(1, 5, 4)
    read = io.read(make_dicom(pixels, RescaleSlope=1, RescaleIntercept=-1)[0])
    assert read.voxels.dtype == np.float32
    assert np.array_equal(read.voxels[0], (pixels.T.astype(float) - 1).astype(np.float32))


def test_radiographs_of_one_series_are_apart(make_dicom):
    elements = {"ImagePositionPatient": None, "ImageOrientationPatient": None, "Modality": "DX"}
    paths = make_dicom(PIXELS[:2], **elements)
    first, second = sorted(io.read_all(paths[0].parent), key=lambda volume: volume.source.paths)
    assert np.array_equal(first.voxels[0], PIXELS[:1].T)
    assert np.array_equal(second.voxels[0], PIXELS[1:2].T)


def test_colour_images_at_one_place_are_refused(make_dicom):
    pixels = np.zeros((2, 5, 4, 3), np.uint8)
    paths = make_dicom(pixels, step=(0, 0, 0))
    with pytest.raises(UnsuitableScanError, match="several colour images at one place"):
        io.read(paths[0].parent)


def test_colours_of_half_the_size_are_read(tmp_path):
    path = pydicom.data.get_testdata_file("SC_ybr_full_422_uncompressed.dcm")
    expected = sitk.GetArrayFromImage(sitk.ReadImage(path))[0]
    assert np.array_equal(io.read(path).voxels[..., 0], expected.transpose(2, 1, 0))


def test_a_deflated_file_is_read():
    path = pydicom.data.get_testdata_file("image_dfl.dcm")
    assert np.array_equal(io.read(path).voxels[0, ..., 0].T, pydicom.dcmread(path).pixel_array)


def test_a_radiograph_lies_as_it_is_shown(make_dicom):
    elements = {"ImagePositionPatient": None, "ImageOrientationPatient": None, "Modality": "DX"}
    read = io.read(make_dicom(PIXELS[:1], **elements)[0])
    assert not read.source.orientation_known
    assert np.allclose(read.geometry.affine, np.diag([-0.5, -0.8, 1, 1]))
    assert "does not say where it lies" in read.notes[0]


def test_the_spacing_of_a_detector_is_taken_and_said(make_dicom):
    elements = {"ImagePositionPatient": None, "ImageOrientationPatient": None, "PixelSpacing": None}
    paths = make_dicom(PIXELS[:1], **elements, ImagerPixelSpacing=[0.2, 0.1])
    read = io.read(paths[0])
    assert np.allclose(read.geometry.spacing[:2], (0.1, 0.2))
    assert any("detector" in note for note in read.notes)


# Several things in one folder.


def test_two_patients_are_two_scans(make_dicom):
    make_dicom(PIXELS, patient="Anna", series="1.2.3.40000001")
    paths = make_dicom(PIXELS[:4], patient="Bert", series="1.2.3.50000002", name=lambda k: f"b{k}")
    with pytest.raises(SeveralSeriesError) as caught:
        io.read(paths[0].parent)
    message = str(caught.value)
    assert "holds 2 series" in message
    assert "MR, made up, 4 × 5 × 6, 6 files, …40000001" in message
    assert "MR, made up, 4 × 5 × 4, 4 files, …50000002" in message
    for name in ("Anna", "Bert", "Doe"):
        assert name not in message
    assert sorted(volume.geometry.shape[2] for volume in io.read_all(paths[0].parent)) == [4, 6]


def test_two_patients_of_the_same_uids_are_not_mixed(make_dicom):
    make_dicom(PIXELS, patient="Anna")
    paths = make_dicom(PIXELS[:4], patient="Bert", name=lambda k: f"b{k}")
    assert sorted(volume.geometry.shape[2] for volume in io.read_all(paths[0].parent)) == [4, 6]


def test_the_views_of_a_localizer_are_apart(make_dicom):
    """Three orientations in one series."""
    for n, name in enumerate(["axial", "sagittal", "coronal"]):
        directions = DIRECTIONS[name]
        step = tuple(10.0 * np.cross(*directions))
        instance = {"SOPInstanceUID": lambda k, n=n: f"1.2.{n + 1}.{k + 1}"}
        paths = make_dicom(
            PIXELS[: n + 1], directions=tuple(directions.ravel()), step=step, name=lambda k, n=n: f"{n}-{k}", **instance
        )
    volumes = io.read_all(paths[0].parent)
    assert sorted((volume.geometry.shape[2], volume.geometry.orientation) for volume in volumes) == [
        (1, "LPS"),
        (2, "PIR"),
        (3, "LIP"),
    ]


def test_images_at_one_place_are_channels_in_order_of_time(make_dicom):
    for time in (2, 0, 1):
        paths = make_dicom(
            PIXELS + time,
            name=lambda k, time=time: f"{(k * 5 + time * 3) % 17}-{time}",
            SOPInstanceUID=lambda k, time=time: f"1.2.{time + 1}.{k + 1}",
            TemporalPositionIdentifier=time + 1,
        )
    read = io.read(paths[0].parent)
    assert read.channels == ("t0", "t1", "t2")
    for time in range(3):
        assert np.array_equal(read.voxels[time], (PIXELS + time).T)
    assert "3 images lie at each place" in read.notes[0]


def test_magnitude_and_phase_are_apart(make_dicom):
    for n, kind in enumerate(["M", "P"]):
        paths = make_dicom(
            PIXELS + n,
            name=lambda k, n=n: f"{k}-{n}",
            SOPInstanceUID=lambda k, n=n: f"1.2.{n + 1}.{k + 1}",
            ImageType=["ORIGINAL", "PRIMARY", kind],
        )
    magnitude, phase = io.read_all(paths[0].parent)
    assert np.array_equal(magnitude.voxels[0], PIXELS.T)
    assert np.array_equal(phase.voxels[0], (PIXELS + 1).T)


def test_copies_of_an_image_count_once_and_are_said(make_dicom):
    paths = make_dicom(PIXELS)
    shutil.copy(paths[2], paths[2].with_name("copy.dcm"))
    read = io.read(paths[0].parent)
    assert np.array_equal(read.voxels[0], PIXELS.T)
    assert "1 of the images are there twice" in read.notes[0]


# Grids that are none.


def test_a_missing_slice_is_an_error(make_dicom):
    paths = make_dicom(PIXELS)
    paths[2].unlink()
    with pytest.raises(GeometryError, match=r"not evenly spaced \(2\.5 to 5 mm apart\): images are missing"):
        io.read(paths[0].parent)


@pytest.mark.parametrize("lost", range(1, 39))
def test_any_missing_slice_of_many_is_noticed(make_dicom, lost):
    paths = make_dicom(np.zeros((40, 2, 2), np.uint8))
    paths[lost].unlink()
    with pytest.raises(GeometryError, match="not evenly spaced"):
        io.read(paths[0].parent)


def test_a_place_with_too_many_images_is_an_error(make_dicom):
    make_dicom(PIXELS)
    paths = make_dicom(PIXELS[:1], name=lambda k: "more", SOPInstanceUID="1.2.9")
    with pytest.raises(GeometryError, match="1 images at some places and 2 at others"):
        io.read(paths[0].parent)


@pytest.mark.parametrize(("jitter", "said"), [(0.001, False), (0.1, True)])
def test_rounded_positions_are_borne(make_dicom, jitter, said):
    read = io.read(
        make_dicom(PIXELS, ImagePositionPatient=lambda k: [-100.5, 20.25, 7 + 2.5 * k + jitter * (k == 2)])[0].parent
    )
    assert read.geometry.shape == (4, 5, 6)
    assert any("not quite evenly spaced" in note for note in read.notes) == said


def test_a_tilted_gantry_is_a_sheared_grid(make_dicom):
    step = np.array([0, 2.5 * np.tan(np.radians(20)), 2.5])
    read = io.read(make_dicom(PIXELS, step=tuple(step))[0].parent)
    assert np.allclose(read.geometry.affine[:3, 2], step * (-1, -1, 1))
    assert "sheared by 20.0°" in read.notes[0]


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ({"PixelSpacing": None}, "no positive pixel spacing"),
        ({"PixelSpacing": [-0.5, 0.5]}, "no positive pixel spacing"),
        ({"PixelSpacing": [0, 0]}, "no positive pixel spacing"),
        ({"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]}, "perpendicular unit vectors"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "perpendicular unit vectors"),
    ],
)
def test_a_header_without_a_grid(make_dicom, elements, reason):
    paths = make_dicom(PIXELS, **elements)
    with pytest.raises(GeometryError, match=reason):
        io.read(paths[0].parent)


# Bad files.


def test_a_bad_file_among_good_ones_is_named(make_dicom):
    paths = make_dicom(PIXELS)
    (paths[0].parent / "bad.dcm").write_text("hello")
    read = io.read(paths[0].parent)
    assert np.array_equal(read.voxels[0], PIXELS.T)
    assert "left out: " in read.notes[0]
    assert "bad.dcm is not a DICOM file" in read.notes[0]


def test_a_truncated_image_at_the_end_shortens_the_stack_and_is_named(make_dicom):
    paths = make_dicom(np.random.default_rng(0).integers(0, 99, (4, 64, 64)).astype(np.int16))
    paths[-1].write_bytes(paths[-1].read_bytes()[:4000])
    read = io.read(paths[0].parent)
    assert read.geometry.shape == (64, 64, 3)
    assert paths[-1].name in read.notes[0]


def test_a_truncated_image_in_the_middle_is_an_error(make_dicom):
    paths = make_dicom(np.random.default_rng(0).integers(0, 99, (4, 64, 64)).astype(np.int16))
    paths[2].write_bytes(paths[2].read_bytes()[:4000])
    with pytest.raises(UnreadableScanError, match=paths[2].name):
        io.read(paths[0].parent)


def test_damage_that_only_the_pixels_show(make_dicom):
    paths = make_dicom(np.random.default_rng(0).integers(0, 99, (3, 64, 64)).astype(np.int16))
    paths[1].write_bytes(paths[1].read_bytes()[:-100])
    read = io.read(paths[0].parent)
    with pytest.raises(UnreadableScanError, match=paths[1].name):
        _ = read.voxels


def test_a_header_of_the_wrong_kind(make_dicom):
    paths = make_dicom(PIXELS[:1])
    dataset = pydicom.dcmread(paths[0])
    dataset.PixelSpacing = [1, 1, 1]
    dataset.save_as(paths[0])
    with pytest.raises(UnreadableScanError, match=f"{paths[0].name} .*PixelSpacing should be 2 numbers"):
        io.read(paths[0])


@pytest.mark.parametrize("content", [b"", b"hello", b"\0" * 128 + b"DICM", b"\0" * 128 + b"DICMrubbish" * 30])
def test_what_is_not_dicom(tmp_path, content):
    (tmp_path / "scan.dcm").write_bytes(content)
    with pytest.raises((UnreadableScanError, UnsuitableScanError), match=r"scan\.dcm"):
        io.read(tmp_path / "scan.dcm")


@pytest.mark.parametrize("name", ["rtplan.dcm", "test-SR.dcm", "rtstruct.dcm"])
def test_dicom_without_an_image(name):
    with pytest.raises(UnsuitableScanError, match=f"{name} is DICOM without an image"):
        io.read(pydicom.data.get_testdata_file(name))


@pytest.mark.parametrize("name", ["SC_rgb_rle_2frame.dcm", "rtdose.dcm", "examples_ybr_color.dcm"])
def test_several_frames_in_one_file_are_refused(name):
    with pytest.raises(UnsuitableScanError, match=f"{name} is multi-frame DICOM"):
        io.read(pydicom.data.get_testdata_file(name))


def test_an_enhanced_image_of_one_frame_is_refused(make_dicom):
    paths = make_dicom(PIXELS[:1], PerFrameFunctionalGroupsSequence=pydicom.Sequence([pydicom.Dataset()]))
    with pytest.raises(UnsuitableScanError, match="multi-frame"):
        io.read(paths[0])


def test_a_report_beside_the_images_disturbs_nobody(make_dicom):
    paths = make_dicom(PIXELS)
    shutil.copy(pydicom.data.get_testdata_file("test-SR.dcm"), paths[0].parent)
    assert io.read(paths[0].parent).notes == ()


def test_a_file_without_preamble_and_meta_information(make_dicom):
    paths = make_dicom(PIXELS)
    for path in paths:
        dataset = pydicom.dcmread(path)
        del dataset.file_meta
        dataset.save_as(path, implicit_vr=True, little_endian=True)
        path.rename(path.with_suffix(""))
    read = io.read(paths[0].parent)
    assert np.array_equal(read.voxels[0], PIXELS.T)
