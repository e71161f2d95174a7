import numpy as np
import pytest

from phantoms import GRIDS
from vesalius.errors import DatasetError
from vesalius.train.data.images import joined, read_image, same_place, stem
from vesalius.volume import Geometry


@pytest.mark.parametrize("name", ["a.b.nii.gz", "a.b.NII", "a.b.png", "a.b.jpeg", "a.b.tif", "a.b.mha"])
def test_a_stem_is_the_name_without_the_ending_of_an_image(tmp_path, name):
    assert stem(tmp_path / name) == "a.b"


@pytest.mark.parametrize("name", ["._a.nii.gz", ".hidden.png", "notes.txt", "dataset.json"])
def test_hidden_files_and_others_are_no_images(tmp_path, name):
    assert stem(tmp_path / name) is None


@pytest.mark.parametrize("matrix", GRIDS)
def test_channels_in_files_are_those_of_one_image_on_its_grid(tmp_path, nifti, matrix):
    voxels = np.random.default_rng(0).normal(size=(2, 4, 3, 5)).astype(np.float32)
    paths = [nifti(tmp_path / f"a_000{n}.nii.gz", channel, matrix) for n, channel in enumerate(voxels)]

    volume = joined("a", paths)

    np.testing.assert_array_equal(volume.voxels, voxels)
    np.testing.assert_allclose(volume.geometry.affine, matrix, atol=1e-5)
    assert volume.channels == ("a_0000", "a_0001")


def test_channels_on_different_grids_are_named(tmp_path, nifti):
    voxels = np.zeros((4, 3, 5), np.float32)
    shifted = GRIDS[0].copy()
    shifted[0, 3] += 1
    paths = [nifti(tmp_path / "t1.nii.gz", voxels, GRIDS[0]), nifti(tmp_path / "t2.nii.gz", voxels, shifted)]

    with pytest.raises(DatasetError, match=r"the case a: t2\.nii\.gz lies on another grid than t1\.nii\.gz"):
        joined("a", paths)


def test_channels_of_colour_and_grey_pictures_are_joined(tmp_path, picture):
    colour = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
    grey = np.random.default_rng(1).integers(0, 256, (4, 6), np.uint8)

    volume = joined("a", [picture(tmp_path / "photo.png", colour), picture(tmp_path / "depth.png", grey)])

    assert volume.channels == ("photo red", "photo green", "photo blue", "depth")
    np.testing.assert_array_equal(volume.voxels[:3, :, :, 0], colour.transpose(2, 1, 0))
    np.testing.assert_array_equal(volume.voxels[3, :, :, 0], grey.T)


def test_a_folder_of_pictures_is_a_stack_in_the_order_of_its_numbers(tmp_path, picture):
    slices = {number: np.full((4, 6), number, np.uint8) for number in (1, 2, 10)}
    for number, pixels in slices.items():
        picture(tmp_path / f"study/slice-{number}.png", pixels)
    (tmp_path / "study/notes.txt").write_text("no picture")

    volume = read_image(tmp_path / "study")

    assert volume.voxels.shape == (1, 6, 4, 3)
    assert volume.voxels[0, 0, 0].tolist() == [1, 2, 10]
    assert not volume.source.orientation_known


def test_slices_of_different_sizes_are_refused(tmp_path, picture):
    picture(tmp_path / "1.png", np.zeros((4, 6), np.uint8))
    picture(tmp_path / "2.png", np.zeros((4, 7), np.uint8))
    with pytest.raises(DatasetError, match=r"2\.png differs in size or channels from 1\.png"):
        read_image(tmp_path)


@pytest.mark.parametrize("scale", [0.01, 1.0, 50.0])
def test_the_same_place_is_a_matter_of_a_tenth_of_a_voxel_whatever_its_size(scale):
    one = Geometry.from_spacing((9, 9, 9), (scale, scale, scale))
    near = Geometry.from_spacing((9, 9, 9), (scale, scale, scale), (0.09 * scale, 0, 0))
    far = Geometry.from_spacing((9, 9, 9), (scale, scale, scale), (0.11 * scale, 0, 0))
    assert same_place(one, near)
    assert not same_place(one, far)
