import numpy as np
import pytest

from phantoms import GRIDS
from vesalius.errors import DatasetError
from vesalius.io import read
from vesalius.train.data.case import ArrayCase, FileCase


@pytest.mark.parametrize("matrix", GRIDS)
def test_image_and_labels_of_a_case_lie_on_one_grid(tmp_path, nifti, matrix):
    label = np.random.default_rng(0).integers(0, 3, (4, 3, 5)).astype(np.uint8)
    image = nifti(tmp_path / "image.nii.gz", label * np.float32(10), matrix)
    case = FileCase("a", (image,), nifti(tmp_path / "label.nii.gz", label, matrix))

    labelmap = case.labelmap()

    assert labelmap.geometry == case.volume().geometry
    np.testing.assert_array_equal(labelmap.voxels * 10.0, case.volume().voxels[0])
    assert set(labelmap.labels) == {1, 2}


@pytest.mark.parametrize(
    ("voxels", "words"),
    [(np.zeros((4, 3, 6), np.uint8), "4×3×6"), (np.full((4, 3, 5), 0.5, np.float32), "such as 0.5")],
)
def test_a_label_that_does_not_fit_names_its_case(tmp_path, nifti, voxels, words):
    image = nifti(tmp_path / "image.nii.gz", np.zeros((4, 3, 5), np.float32))
    case = FileCase("patient-7", (image,), nifti(tmp_path / "label.nii.gz", voxels))
    with pytest.raises(DatasetError, match=f"the case patient-7: .*{words}"):
        case.labelmap()


def test_a_case_without_a_label_has_no_labelmap(tmp_path, nifti):
    case = FileCase("a", (nifti(tmp_path / "image.nii.gz", np.zeros((4, 3, 5), np.float32)),))
    assert case.labelmap() is None
    assert not case.labelled


def test_a_mask_drawn_on_a_picture_lies_where_it_was_drawn(tmp_path, picture):
    """A photograph as JPEG, its mask as PNG: column 9, row 2 is voxel (9, 2, 0) in both."""
    photo = np.zeros((8, 12, 3), np.uint8)
    photo[2, 9] = 255
    mask = np.zeros((8, 12), np.uint8)
    mask[2, 9] = 255
    images = (picture(tmp_path / "a.jpg", photo),)
    case = FileCase("a", images, picture(tmp_path / "a.png", mask))

    assert np.argwhere(case.labelmap().voxels == 1).tolist() == [[9, 2, 0]]
    assert np.unravel_index(case.volume().voxels[1].argmax(), (12, 8, 1)) == (9, 2, 0)


def test_arrays_of_pictures_have_rows_and_columns_and_those_of_volumes_have_axes(tmp_path, picture):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
    as_file = read(picture(tmp_path / "a.png", pixels))

    colour = ArrayCase("a", pixels, "colour").volume()
    grey = ArrayCase("a", pixels[..., 0], "grey").volume()
    volume = ArrayCase("a", np.arange(24).reshape(2, 3, 4), "volume").volume()

    np.testing.assert_array_equal(colour.voxels, as_file.voxels)
    assert colour.geometry == as_file.geometry == grey.geometry
    assert colour.channels == as_file.channels
    np.testing.assert_array_equal(grey.voxels, as_file.voxels[:1])
    np.testing.assert_array_equal(volume.voxels[0], np.arange(24).reshape(2, 3, 4))
