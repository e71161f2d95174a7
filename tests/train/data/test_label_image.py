import numpy as np
import pytest
from PIL import Image

from phantoms import GRIDS, affine
from vesalius.errors import DatasetError, UnreadableScanError
from vesalius.io import write
from vesalius.results import Label, Labelmap
from vesalius.train.data.label_image import label_values, laid_on, present, read_label
from vesalius.volume import Geometry, Source, Volume


def stored(voxels, file_format="NIfTI"):
    array = np.asarray(voxels)
    array = array[np.newaxis] if array.ndim == 3 else array
    channels = tuple(map(str, range(len(array))))
    return Volume(array, Geometry(array.shape[1:], np.eye(4)), channels=channels, source=Source((), file_format))


def unread(geometry):
    return Volume(lambda: pytest.fail("voxels were read"), geometry)


@pytest.mark.parametrize("matrix", GRIDS)
def test_labels_of_a_file_are_its_voxels(tmp_path, nifti, matrix):
    voxels = np.random.default_rng(0).integers(0, 300, (4, 3, 5)).astype(np.int16)

    label = read_label(nifti(tmp_path / "a.nii.gz", voxels, matrix))

    np.testing.assert_array_equal(label_values(label), voxels)
    np.testing.assert_allclose(label.geometry.affine, matrix, atol=1e-5)


def test_whole_numbers_stored_as_floats_are_labels():
    assert label_values(stored(np.array([[[0.0, 2.0, 255.0]]]))).tolist() == [[[0, 2, 255]]]


@pytest.mark.parametrize("odd", [0.5, -1.0, float("nan"), float("inf"), 70000.0])
def test_values_that_are_no_label_numbers_are_named(odd):
    with pytest.raises(DatasetError, match=rf"no label numbers, such as {odd:g}".replace("+", r"\+")):
        label_values(stored(np.array([[[0.0, 1.0, odd]]])))


@pytest.mark.parametrize("white", [255, 65535])
def test_white_in_a_black_and_white_picture_is_label_1(white):
    pixels = np.array([[[0], [white]]], np.uint8 if white == 255 else np.uint16)
    assert label_values(stored(pixels, "PNG")).tolist() == [[[0], [1]]]


@pytest.mark.parametrize(("values", "file_format"), [((0, 2), "PNG"), ((0, 1, 255), "PNG"), ((0, 255), "NIfTI")])
def test_other_values_keep_their_numbers(values, file_format):
    """A case in which only label 2 of several occurs is no mask."""
    assert label_values(stored(np.array([[values]], np.uint8), file_format)).tolist() == [[list(values)]]


def test_a_one_bit_picture_is_a_mask_on_the_pictures_grid(tmp_path):
    mask = np.random.default_rng(0).random((5, 7)) > 0.5
    Image.fromarray(mask).save(tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").mode == "1"

    label = read_label(tmp_path / "a.png")

    np.testing.assert_array_equal(label_values(label)[..., 0], mask.T)


def test_a_picture_with_a_palette_holds_numbers_not_colours(tmp_path):
    """As PASCAL VOC keeps its labels."""
    numbers = np.random.default_rng(0).integers(0, 4, (5, 7), np.uint8)
    image = Image.fromarray(numbers)
    image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0] + [0] * (252 * 3))
    image.save(tmp_path / "a.png")

    np.testing.assert_array_equal(label_values(read_label(tmp_path / "a.png"))[..., 0], numbers.T)


def test_a_labelmap_that_we_wrote_as_a_picture_is_read_back(tmp_path):
    voxels = np.random.default_rng(0).integers(0, 3, (7, 5, 1)).astype(np.uint8)
    labels = {1: Label(name="one", colour="#ff0000"), 2: Label(name="two", colour="#00ff00")}
    write(Labelmap(voxels, Geometry((7, 5, 1), np.diag([-1.0, -1, 1, 1])), labels), tmp_path / "a.png")

    np.testing.assert_array_equal(label_values(read_label(tmp_path / "a.png")), voxels)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_a_truncated_palette_picture_is_named(tmp_path, name):
    numbers = np.random.default_rng(0).integers(0, 200, (90, 90), np.uint8)
    image = Image.fromarray(numbers)
    image.putpalette(list(range(256)) * 3)
    image.save(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])

    with pytest.raises(UnreadableScanError, match=name):
        label_values(read_label(tmp_path / name))


def test_grey_stored_as_colour_is_a_label_image_and_colour_is_none():
    grey = np.repeat(np.array([[[[0], [3]]]], np.uint8), 3, axis=0)
    assert label_values(stored(grey, "PNG")).tolist() == [[[0], [3]]]
    colour = grey.copy()
    colour[2] = 7
    with pytest.raises(DatasetError, match="has 3 channels"):
        label_values(stored(colour, "PNG"))


def test_a_jpeg_is_no_label_image():
    with pytest.raises(DatasetError, match="save labels as PNG"):
        label_values(stored(np.zeros((2, 2, 1), np.uint8), "JPEG"))


@pytest.mark.parametrize("order", ["C", "F"])
def test_what_is_present_is_what_a_sort_finds(order):
    labels = np.asarray(np.random.default_rng(0).choice([0, 3, 9, 500], (5, 6, 7)).astype(np.uint16), order=order)
    assert present(labels) == (0, 3, 9, 500)


def test_another_shape_is_said_and_another_place_in_millimetres():
    image = Geometry((4, 3, 5), affine((0.8, 1.1, 1.5), flip=True, oblique=True))
    with pytest.raises(DatasetError, match="its label has 4×3×6 voxels, its image 4×3×5"):
        laid_on(image, unread(Geometry((4, 3, 6), image.affine)))
    moved = image.affine.copy()
    moved[:3, 3] += (3, 0, 4)
    with pytest.raises(DatasetError, match="up to 5 mm apart"):
        laid_on(image, unread(Geometry(image.shape, moved)))


@pytest.mark.parametrize("matrix", GRIDS)
@pytest.mark.parametrize("orientation", ["RAS", "LPS", "ILA", "PSR"])
def test_a_label_stored_another_way_round_is_laid_on_its_image(matrix, orientation):
    label = Volume(np.random.default_rng(0).integers(0, 9, (1, 4, 3, 5), np.uint8), Geometry((4, 3, 5), matrix))

    laid = laid_on(label.geometry, label.reoriented(orientation))

    np.testing.assert_array_equal(laid.voxels, label.voxels)


def test_a_label_that_is_mirrored_in_the_patient_is_not_on_its_image():
    image = Geometry((4, 3, 5), affine((0.8, 1.1, 1.5), flip=False, oblique=True))
    mirrored = Geometry((4, 3, 5), np.diag([-1.0, 1, 1, 1]) @ image.affine)
    with pytest.raises(DatasetError, match="another grid"):
        laid_on(image, unread(mirrored))


def test_rounding_in_headers_is_no_other_grid():
    image = Geometry((256, 256, 200), affine((0.8, 1.1, 1.5), flip=True, oblique=True))
    rounded = image.affine.astype(np.float32).astype(np.float64)
    rounded[:3, 3] += 1e-3
    assert image != Geometry(image.shape, rounded)
    laid_on(image, unread(Geometry(image.shape, rounded)))
