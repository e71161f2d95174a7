import json

import numpy as np
import pytest

from vesalius.errors import DatasetError
from vesalius.train.data import open_dataset

VOXELS = np.zeros((3, 4, 2), np.float32)
LABEL = np.ones((3, 4, 2), np.uint8)


def describe(root, **content):
    (root / "dataset.json").write_text(json.dumps(content))
    return root


@pytest.fixture
def nnunet(tmp_path, nifti):
    for name in ("a", "b"):
        for channel in range(2):
            nifti(tmp_path / f"imagesTr/{name}_000{channel}.nii.gz", VOXELS + channel)
        nifti(tmp_path / f"labelsTr/{name}.nii.gz", LABEL)
    nifti(tmp_path / "imagesTs/c_0000.nii.gz", VOXELS)
    return describe(
        tmp_path,
        channel_names={"0": "T1", "1": "T2"},
        labels={"background": 0, "anterior": 1, "posterior": 2},
        numTraining=2,
        file_ending=".nii.gz",
    )


@pytest.fixture
def decathlon(tmp_path, nifti):
    for name in ("a", "b"):
        nifti(tmp_path / f"imagesTr/{name}.nii.gz", VOXELS)
        nifti(tmp_path / f"labelsTr/{name}.nii.gz", LABEL)
    training = [{"image": f"./imagesTr/{n}.nii.gz", "label": f"./labelsTr/{n}.nii.gz"} for n in ("b", "a")]
    labels = {"0": "background", "1": "Anterior", "2": "Posterior"}
    return describe(tmp_path, labels=labels, training=training, test=["./imagesTs/c.nii.gz"])


def test_nnunets_folder_has_its_channels_labels_and_names(nnunet):
    dataset = open_dataset(nnunet)

    assert dataset.layout == "nnU-Net raw"
    assert [case.name for case in dataset.cases] == ["a", "b"]
    assert dataset.classes == dataset.label_names == {1: "anterior", 2: "posterior"}
    assert dataset.cases[0].volume().voxels[:, 0, 0, 0].tolist() == [0, 1]
    assert dataset.cases[0].labelmap().voxels.all()


def test_an_nnunet_image_without_a_label_keeps_no_channel_in_its_name(nnunet):
    (nnunet / "labelsTr/b.nii.gz").unlink()
    assert {case.name: case.labelled for case in open_dataset(nnunet).cases} == {"a": True, "b": False}


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"background": 0, "whole tumour": [1, 2, 3]}, "'whole tumour' is the region"),
        ({"background": 0, "tumour": 1, "ignore": 2}, "ignored"),
        (["background", "tumour"], "no table"),
    ],
)
def test_labels_that_cannot_be_learned_are_refused(nnunet, labels, words):
    describe(nnunet, labels=labels)
    with pytest.raises(DatasetError, match=words):
        open_dataset(nnunet)


def test_the_decathlons_list_is_followed_and_sorted(decathlon):
    dataset = open_dataset(decathlon)

    assert dataset.layout == "Decathlon"
    assert [case.name for case in dataset.cases] == ["a", "b"]
    assert dataset.classes == {1: "Anterior", 2: "Posterior"}
    assert all(case.labelmap().voxels.all() for case in dataset.cases)


def test_the_decathlons_channels_are_the_frames_of_one_file(decathlon, nifti):
    nifti(decathlon / "imagesTr/a.nii.gz", np.stack([VOXELS, VOXELS + 1, VOXELS + 2], axis=-1))
    assert open_dataset(decathlon).cases[0].volume().voxels[:, 0, 0, 0].tolist() == [0, 1, 2]


def test_a_listed_file_that_is_missing_is_a_problem(decathlon):
    (decathlon / "labelsTr/a.nii.gz").unlink()

    dataset = open_dataset(decathlon)

    assert [case.name for case in dataset.cases] == ["b"]
    [problem] = dataset.problems
    assert (problem.severity, problem.code, problem.case) == ("error", "missing-file", "a")
    assert "labelsTr/a.nii.gz is not there" in problem.message


@pytest.mark.parametrize("entry", ["a.nii.gz", {"image": "a.nii.gz"}, {"image": 1, "label": 2}])
def test_an_entry_without_a_pair_is_named(decathlon, entry):
    describe(decathlon, labels={}, training=[entry])
    with pytest.raises(DatasetError, match="entry 0 of training does not name an image and a label"):
        open_dataset(decathlon)


def test_label_numbers_that_are_none_are_named(decathlon):
    describe(decathlon, labels={"liver": "1"}, training=[])
    with pytest.raises(DatasetError, match="liver"):
        open_dataset(decathlon)


@pytest.mark.parametrize(
    ("content", "words"), [("{", "no JSON"), ("[1]", "describes no data set"), ("\xff", "no JSON")]
)
def test_a_damaged_description_is_named(decathlon, content, words):
    (decathlon / "dataset.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(DatasetError, match=words):
        open_dataset(decathlon)


def test_without_a_folder_of_images_nothing_can_be_read(tmp_path):
    with pytest.raises(DatasetError, match="has no folder imagesTr"):
        open_dataset(describe(tmp_path, labels={}))
