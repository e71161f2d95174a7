from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from vesalius.errors import DatasetError
from vesalius.io import read
from vesalius.train.data import open_dataset


def table(root, text, name="manifest.csv", encoding="utf-8"):
    (root / name).write_text(text, encoding=encoding)
    return root / name


@pytest.fixture
def files(tmp_path):
    for name in ("a.png", "b.png", "c.png", "la.png", "lb.png", "lc.png"):
        (tmp_path / name).touch()
    return tmp_path


def test_a_table_beside_the_data_names_everything(files):
    table(
        files,
        "name,image,label,patient,split\ntwo, b.png ,lb.png,p,Val\none,a.png,la.png,p,TRAINING\nthree,c.png,,,test\n",
    )

    dataset = open_dataset(files)

    assert dataset.layout == "manifest"
    one, three, two = dataset.cases
    assert (one.name, one.images, one.label) == ("one", (files / "a.png",), files / "la.png")
    assert (one.patient, two.patient, three.patient) == ("p", "p", "three")
    assert (one.split, two.split, three.split) == ("train", "validation", "test")
    assert three.label is None


def test_a_table_elsewhere_has_paths_of_the_data(files, tmp_path_factory):
    elsewhere = table(tmp_path_factory.mktemp("recipes"), "image\na.png\n")
    [case] = open_dataset(files, elsewhere).cases
    assert case.images == (files / "a.png",)
    assert case.name == case.patient == "a.png"


def test_a_table_that_is_handed_in_itself_lies_beside_its_data(files):
    path = table(files, "image\nb.png\n", "other.csv")
    assert [case.images for case in open_dataset(path).cases] == [(files / "b.png",)]


def test_a_table_from_a_spreadsheet_may_begin_with_a_mark(files):
    table(files, "image,target\na.png,Grün\n", encoding="utf-8-sig")
    assert open_dataset(files).classes == {0: "Grün"}


def test_channels_stand_in_numbered_columns(files):
    table(files, "image_0,image_1,name\na.png,b.png,x\n")
    assert open_dataset(files).cases[0].images == (files / "a.png", files / "b.png")


@pytest.mark.parametrize(
    ("targets", "numbers", "classes"),
    [
        (["sick", "healthy", "sick"], [1, 0, 1], {0: "healthy", 1: "sick"}),
        (["2", "0", "10"], [2, 0, 10], {0: "0", 2: "2", 10: "10"}),
        (["", "b", "a"], [None, 1, 0], {0: "a", 1: "b"}),
        (["1", "b", "a"], [0, 2, 1], {0: "1", 1: "a", 2: "b"}),
    ],
)
def test_classes_are_named_or_numbered(files, targets, numbers, classes):
    rows = "".join(f"{name}.png,{target}\n" for name, target in zip("abc", targets, strict=True))
    dataset = open_dataset(table(files, "image,target\n" + rows))
    assert [case.target for case in dataset.cases] == numbers
    assert dataset.classes == classes


def test_parquet_says_the_same_as_csv(files):
    columns = {
        "image": ["a.png", "b.png", "c.png"],
        "target": [1.0, 0.0, None],
        "patient": [7, 7, 8],
        "split": ["train"] * 3,
    }
    pa.parquet.write_table(pa.table(columns), files / "manifest.parquet")
    from_parquet = open_dataset(files)
    table(files, "image,target,patient,split\na.png,1,7,train\nb.png,0,7,train\nc.png,,8,train\n")
    assert open_dataset(files) == from_parquet
    assert [case.target for case in from_parquet.cases] == [1, 0, None]


def test_a_missing_file_is_a_problem_of_its_case_alone(files):
    table(files, "name,image,label\nx,a.png,absent.png\ny,b.png,lb.png\n")

    dataset = open_dataset(files)

    assert [case.name for case in dataset.cases] == ["y"]
    assert [(problem.code, problem.case) for problem in dataset.problems] == [("missing-file", "x")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("image,lable\na.png,la.png\n", "unknown column 'lable'"),
        ("image;label\na.png;la.png\n", "unknown column 'image;label'"),
        ("label\nla.png\n", "has no column image"),
        ("image,split\na.png,dev\n", "row 2: the split is 'dev'"),
        ("image,name\na.png,x\nb.png,x\n", "2 cases of the name 'x'"),
        ("image\na.png\na.png\n", "2 cases of the name 'a.png'"),
        ("image,label\n,la.png\n", "row 2 names no image"),
        ("image,label\na.png,la.png,x\n", "line 2 has more cells"),
        ('image\n"a.png\n', "cannot be read"),
        ("image\n", "names no cases"),
        ("", "names no cases"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused_in_a_sentence(files, text, words):
    with pytest.raises(DatasetError, match=words):
        open_dataset(table(files, text))


def test_a_table_in_another_encoding_is_refused(files):
    (files / "manifest.csv").write_bytes("image\nGrün.png\n".encode("latin-1"))
    with pytest.raises(DatasetError, match="cannot be read"):
        open_dataset(files)


def test_a_damaged_parquet_and_a_missing_table_are_named(files):
    (files / "x.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(DatasetError, match=r"x\.parquet cannot be read"):
        open_dataset(files / "x.parquet")
    with pytest.raises(DatasetError, match=r"there is no manifest .*absent\.csv"):
        open_dataset(files, files / "absent.csv")


def test_a_study_with_one_class_is_a_bag_of_slices(tmp_path, nifti, picture):
    """Volumes, and folders with one picture a slice."""
    voxels = np.random.default_rng(0).normal(size=(5, 4, 3)).astype(np.float32)
    nifti(tmp_path / "scan.nii.gz", voxels)
    for number in range(12):
        picture(tmp_path / f"stack/{number}.png", np.full((4, 5), number, np.uint8))
    table(tmp_path, "name,image,target\nscan,scan.nii.gz,1\nstack,stack,0\n")

    scan, stack = open_dataset(tmp_path).cases

    assert (scan.target, stack.target) == (1, 0)
    np.testing.assert_array_equal(scan.volume().voxels[0], voxels)
    assert stack.volume().voxels.shape == (1, 5, 4, 12)
    assert stack.volume().voxels[0, 0, 0].tolist() == list(range(12))


def test_the_vessels_are_where_they_were_drawn_and_both_eyes_stay_together(retinal_vessels):
    dataset = open_dataset(retinal_vessels, Path(__file__).parents[3] / "recipes" / "retinal-vessels.csv")

    assert len(dataset.cases) == 20
    assert dataset.problems == ()
    parts = {case.patient: case.split for case in dataset.cases}
    assert [parts[f"{number:02}"] for number in range(1, 11)] == ["train"] * 7 + ["validation"] * 3
    assert all(case.split == parts[case.patient] and case.name[:2] == case.patient for case in dataset.cases)
    case = dataset.cases[5]
    vessels, green = case.labelmap().voxels[..., 0], case.volume().voxels[1, ..., 0].astype(float)
    assert set(np.unique(vessels)) == {0, 1}
    assert 0.04 < vessels.mean() < 0.1
    # Vessels are darker than what surrounds them, and nowhere else than where the observer drew them.
    darkness = {step: -green[np.roll(vessels, step, (0, 1)) == 1].mean() for step in ((0, 0), (8, 0), (0, 8), (-8, 8))}
    assert max(darkness, key=darkness.get) == (0, 0)
    np.testing.assert_array_equal(vessels, (read(case.label).voxels[0, ..., 0] > 0).astype(int))
