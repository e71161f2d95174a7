import numpy as np
import pytest

from vesalius.errors import DatasetError
from vesalius.train.data import open_dataset
from vesalius.train.data.folders import class_folders, pairs


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def found(dataset):
    return {case.name: ([path.name for path in case.images], case.label and case.label.name) for case in dataset.cases}


def test_images_and_labels_are_paired_by_their_names(tmp_path):
    touch(tmp_path, "images/b.nii.gz", "images/a.png", "labels/a.nrrd", "labels/b.nii", "images/.a.png", "images/x.txt")

    dataset = pairs(tmp_path)

    assert found(dataset) == {"a": (["a.png"], "a.nrrd"), "b": (["b.nii.gz"], "b.nii")}
    assert [case.name for case in dataset.cases] == ["a", "b"]
    assert dataset.problems == ()


def test_channels_are_one_case_where_the_label_has_the_name_without_them(tmp_path):
    touch(tmp_path, "images/a_0001.nii", "images/a_0000.nii", "labels/a.nii", "images/b_0007.nii", "labels/b_0007.nii")
    assert found(pairs(tmp_path)) == {
        "a": (["a_0000.nii", "a_0001.nii"], "a.nii"),
        "b_0007": (["b_0007.nii"], "b_0007.nii"),
    }


def test_numbered_slices_without_labels_are_cases_each(tmp_path):
    touch(tmp_path, "images/slice_0001.png", "images/slice_0002.png")
    assert set(found(pairs(tmp_path))) == {"slice_0001", "slice_0002"}


def test_what_is_alone_is_a_problem_and_what_has_no_label_says_so(tmp_path):
    touch(tmp_path, "images/a.nii", "images/b.nii", "labels/b.nii", "labels/c.nii")

    dataset = pairs(tmp_path)

    assert {case.name: case.labelled for case in dataset.cases} == {"a": False, "b": True}
    assert [(problem.code, problem.case) for problem in dataset.problems] == [("missing-image", "c")]


def test_two_files_of_one_name_are_no_channels(tmp_path):
    touch(tmp_path, "images/a.nii", "images/a.nii.gz", "labels/a.nii", "labels/a.mha")

    dataset = pairs(tmp_path)

    assert [problem.code for problem in dataset.problems] == ["same-name", "same-name"]
    assert len(dataset.cases[0].images) == 1


def test_a_class_is_a_folder_numbered_by_name(tmp_path):
    touch(tmp_path, "sick/2.png", "healthy/1.jpg", "healthy/3.nii.gz", "sick/notes.txt", "readme.md")

    dataset = class_folders(tmp_path)

    assert dataset.classes == {0: "healthy", 1: "sick"}
    assert {case.name: (case.target, case.split) for case in dataset.cases} == {
        "healthy/1.jpg": (0, ""),
        "healthy/3.nii.gz": (0, ""),
        "sick/2.png": (1, ""),
    }


def test_folders_of_parts_hold_the_classes(tmp_path):
    touch(tmp_path, "train/a/1.png", "train/b/1.png", "val/b/2.png", "test/c/3.png")

    dataset = class_folders(tmp_path)

    assert dataset.classes == {0: "a", 1: "b", 2: "c"}
    assert [(case.name, case.split, case.target) for case in dataset.cases] == [
        ("test/c/3.png", "test", 2),
        ("train/a/1.png", "train", 0),
        ("train/b/1.png", "train", 1),
        ("val/b/2.png", "validation", 1),
    ]


def test_images_and_labels_within_parts_are_not_taken_for_classes(tmp_path):
    touch(tmp_path, "train/images/1.png", "train/labels/1.png", "val/images/2.png", "val/labels/2.png")
    with pytest.raises(DatasetError, match="manifest"):
        class_folders(tmp_path)


@pytest.mark.parametrize("names", [(), ("notes.txt",), ("a.png", "b.png"), ("deep/er/a.txt",)])
def test_a_folder_in_no_layout_says_which_there_are(tmp_path, names):
    touch(tmp_path, *names)
    with pytest.raises(DatasetError, match=r"no layout known here.*images/ and labels/.*npz"):
        open_dataset(tmp_path)


def test_nothing_there_is_said(tmp_path):
    with pytest.raises(DatasetError, match="there are no data at"):
        open_dataset(tmp_path / "absent")
    (tmp_path / "data.zip").touch()
    with pytest.raises(DatasetError, match="no layout known here"):
        open_dataset(tmp_path / "data.zip")


def test_a_pair_is_read_on_its_oblique_grid(pairs_folder):
    dataset = open_dataset(pairs_folder)
    assert dataset.layout == "images and labels"
    for case in dataset.cases:
        assert case.volume().geometry.is_oblique
        assert np.bincount(case.labelmap().voxels.ravel()).tolist() == [112, 4, 4]
