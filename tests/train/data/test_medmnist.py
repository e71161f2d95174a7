import numpy as np
import pytest

from vesalius.errors import DatasetError
from vesalius.train.data import open_dataset

LABELS = np.array([[0], [1], [1]], np.uint8)


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    ("shape", "voxels"),
    [((3, 5, 7), (1, 7, 5, 1)), ((3, 5, 7, 1), (1, 7, 5, 1)), ((3, 5, 7, 3), (3, 7, 5, 1)),
     ((3, 5, 7, 4), (1, 5, 7, 4)), ((3, 5, 7, 4, 1), (1, 5, 7, 4))],
    ids=["grey", "grey with its channel", "colour", "volumes", "volumes with their channel"],
)  # fmt: skip
def test_pictures_and_volumes_come_out_as_they_are(tmp_path, shape, voxels):
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    path = save(tmp_path / "x.npz", train_images=images, train_labels=LABELS, val_images=images, val_labels=LABELS)

    dataset = open_dataset(path)

    assert [case.split for case in dataset.cases] == ["train"] * 3 + ["validation"] * 3
    assert [case.target for case in dataset.cases] == [0, 1, 1] * 2
    assert dataset.classes == {0: "0", 1: "1"}
    read = dataset.cases[1].volume().voxels
    assert read.shape == voxels
    value = read[0, 2, 3, 0] if len(shape) > 4 or shape[-1] == 4 else read[0, 3, 2, 0]
    assert value == images[1, 2, 3].ravel()[0]


def test_names_are_sorted_as_the_numbers_are(tmp_path):
    images, labels = np.zeros((12, 4, 4), np.uint8), np.zeros((12, 1), np.uint8)
    names = [
        case.name for case in open_dataset(save(tmp_path / "x.npz", train_images=images, train_labels=labels)).cases
    ]
    assert names[2] == "train-02"
    assert names == sorted(names)


def test_pictures_without_labels_have_no_class(tmp_path):
    dataset = open_dataset(save(tmp_path / "x.npz", train_images=np.zeros((2, 4, 4), np.uint8)))
    assert [case.target for case in dataset.cases] == [None, None]


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        (
            {"train_images": np.zeros((2, 4, 4)), "train_labels": np.zeros((3, 1), int)},
            "has 2 train_images and 3 train_labels",
        ),
        ({"train_images": np.zeros((3, 4, 4)), "train_labels": np.zeros((3, 14), int)}, "several labels a picture"),
        ({"train_images": np.zeros((3, 4, 4)), "train_labels": np.zeros((3, 1))}, "holds float64"),
        ({"train_images": np.zeros((3, 4)), "train_labels": np.zeros((3, 1), int)}, "neither pictures nor volumes"),
        ({"images": np.zeros((3, 4, 4))}, "holds no train_images"),
        ({"train_images": np.array([None, "a"], object)}, "cannot be read as npz"),
    ],
)
def test_arrays_that_do_not_fit_are_named(tmp_path, arrays, words):
    with pytest.raises(DatasetError, match=words):
        open_dataset(save(tmp_path / "x.npz", **arrays))


@pytest.mark.parametrize("keep", [0, 10, 300, -40])
def test_a_truncated_file_is_named(tmp_path, keep):
    path = tmp_path / "x.npz"
    np.savez_compressed(path, train_images=np.random.default_rng(0).integers(0, 256, (3, 9, 9)), train_labels=LABELS)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DatasetError, match="cannot be read as npz"):
        open_dataset(path)


def test_a_single_array_under_the_name_is_named(tmp_path):
    with (tmp_path / "x.npz").open("wb") as file:
        np.save(file, np.zeros((3, 4, 4)))
    with pytest.raises(DatasetError, match="cannot be read as npz"):
        open_dataset(tmp_path / "x.npz")
