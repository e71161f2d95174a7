import nibabel
import numpy as np
import pytest

from phantoms import affine
from vesalius import io
from vesalius.errors import DatasetError
from vesalius.train.data import check_dataset, divide, open_dataset, refuse_unusable
from vesalius.train.recipe import Recipe

RED = "#ff0000"


def recipe_for(task="segment", labels=("one", "two"), folds=3, **more):
    first, kind = (1, "sliding") if task == "segment" else (0, "whole")
    size = {"patch": [4, 4, 4]} if kind == "sliding" else {"size": [4, 4, 1]}
    return Recipe.model_validate({
        "name": "x", "task": task, "labels": {n: {"name": name, "colour": RED} for n, name in enumerate(labels, first)},
        "data": {"grid": {"kind": kind, **size}, "split": {"folds": folds}},
        "network": {"net": "unet"}, "loss": {"terms": {"dice": 1}}, "training": {"steps": 1, "batch": 1},
        "origin": {"data": "none", "licence": "none"}, **more,
    })  # fmt: skip


def said(findings):
    return [(finding.severity, finding.code, finding.case) for finding in findings]


def changed(path, change, matrix=None):
    """Rewrite a NIfTI with other voxels, and another affine if one is given."""
    image = nibabel.load(path)
    voxels = change(np.asanyarray(image.dataobj).copy())
    nibabel.save(nibabel.Nifti1Image(voxels, image.affine if matrix is None else matrix), path)


def only(findings, code):
    [finding] = [finding for finding in findings if finding.code == code]
    return finding


def test_sound_data_have_no_findings(pairs_folder):
    assert check_dataset(open_dataset(pairs_folder)) == []
    assert check_dataset(open_dataset(pairs_folder), recipe_for()) == []


def test_each_file_is_read_once(pairs_folder, monkeypatch):
    opened = []
    whole = io.nifti._read_voxels
    monkeypatch.setattr(io.nifti, "_read_voxels", lambda path, *more: opened.append(path.name) or whole(path, *more))

    check_dataset(open_dataset(pairs_folder), recipe_for())

    assert sorted(opened) == sorted(f"case_{number}.nii.gz" for number in range(6) for _ in ("image", "label"))


def test_pairs_that_are_none(pairs_folder):
    (pairs_folder / "labels/case_1.nii.gz").unlink()
    (pairs_folder / "images/case_4.nii.gz").unlink()
    assert said(check_dataset(open_dataset(pairs_folder))) == [
        ("error", "missing-image", "case_4"),
        ("error", "no-label", "case_1"),
    ]


def test_a_label_on_another_grid_in_a_shape_or_in_space(pairs_folder):
    shifted = affine((0.8, 1.1, 1.5), flip=True, oblique=True)
    shifted[0, 3] += 2
    changed(pairs_folder / "labels/case_0.nii.gz", lambda voxels: voxels[:, :, :-1])
    changed(pairs_folder / "labels/case_1.nii.gz", lambda voxels: voxels, shifted)

    shape, place = check_dataset(open_dataset(pairs_folder))

    assert said([shape, place]) == [("error", "label-grid", "case_0"), ("error", "label-grid", "case_1")]
    assert "6×5×3 voxels, its image 6×5×4" in shape.message
    assert "up to 2 mm apart" in place.message


def test_a_label_stored_the_other_way_round_lies_in_the_same_place(pairs_folder):
    """nibabel turns voxels and affine together."""
    path = pairs_folder / "labels/case_0.nii.gz"
    image = nibabel.load(path)
    before = open_dataset(pairs_folder).cases[0].labelmap().voxels
    nibabel.save(nibabel.as_closest_canonical(image), path)
    assert nibabel.load(path).affine.tolist() != image.affine.tolist()

    assert check_dataset(open_dataset(pairs_folder)) == []
    np.testing.assert_array_equal(open_dataset(pairs_folder).cases[0].labelmap().voxels, before)


def test_files_that_cannot_be_read(pairs_folder):
    for path in (pairs_folder / "images/case_0.nii.gz", pairs_folder / "labels/case_1.nii.gz"):
        path.write_bytes(path.read_bytes()[:100])
    assert said(check_dataset(open_dataset(pairs_folder))) == [
        ("error", "unreadable", "case_0"),
        ("error", "unreadable", "case_1"),
    ]


def test_labels_that_nothing_names(pairs_folder):
    changed(pairs_folder / "labels/case_3.nii.gz", lambda voxels: np.where(voxels == 2, np.uint8(8), voxels))
    findings = check_dataset(open_dataset(pairs_folder), recipe_for())
    assert said(findings) == [("error", "unknown-label", "case_3")]
    assert "8, which nothing names" in findings[0].message


def test_values_that_are_no_labels_and_labels_that_are_empty(pairs_folder):
    changed(pairs_folder / "labels/case_0.nii.gz", lambda voxels: voxels.astype(np.float32) / 2)
    changed(pairs_folder / "labels/case_1.nii.gz", lambda voxels: 0 * voxels)
    assert said(check_dataset(open_dataset(pairs_folder))) == [
        ("error", "label-values", "case_0"),
        ("warning", "empty-label", "case_1"),
    ]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_voxels_that_are_no_numbers(pairs_folder, value):
    def spoil(voxels):
        voxels[1, 2, 3] = value
        return voxels

    changed(pairs_folder / "images/case_2.nii.gz", spoil)
    finding = only(check_dataset(open_dataset(pairs_folder)), "not-finite")
    assert (finding.severity, finding.case) == ("error", "case_2")
    assert "1 voxels" in finding.message


def test_other_channels_and_another_spacing(pairs_folder):
    changed(pairs_folder / "images/case_0.nii.gz", lambda voxels: np.stack([voxels, voxels], axis=-1))
    coarse = affine((0.8, 1.1, 6.0), flip=True, oblique=True)
    for folder in ("images", "labels"):
        changed(pairs_folder / folder / "case_1.nii.gz", lambda voxels: voxels, coarse)

    findings = check_dataset(open_dataset(pairs_folder))

    assert said(findings) == [("error", "channels", "case_0"), ("warning", "spacing", "case_1")]
    assert "0.8×1.1×6 mm, the data's are mostly 0.8×1.1×1.5 mm" in findings[1].message


def test_channels_are_held_against_the_recipe(pairs_folder):
    findings = check_dataset(open_dataset(pairs_folder), recipe_for(channels=("T1", "T2")))
    assert {finding.code for finding in findings} == {"channels"}
    assert len(findings) == 6


def test_channels_of_one_case_on_two_grids(tmp_path, nifti):
    for number, depth in enumerate((4, 4, 4, 5)):
        nifti(tmp_path / f"images/{'ab'[number // 2]}_000{number % 2}.nii.gz", np.full((3, 3, depth), number, np.int16))
    for name in "ab":
        nifti(tmp_path / f"labels/{name}.nii.gz", np.ones((3, 3, 4), np.uint8))
    finding = only(check_dataset(open_dataset(tmp_path)), "channel-grid")
    assert (finding.severity, finding.case) == ("error", "b")


def test_data_of_which_nothing_can_be_read(pairs_folder):
    for path in pairs_folder.glob("images/*"):
        path.write_bytes(b"")
    assert {finding.code for finding in check_dataset(open_dataset(pairs_folder))} == {"unreadable"}


def test_one_sample_is_too_few(pairs_folder):
    for number in range(1, 6):
        for folder in ("images", "labels"):
            (pairs_folder / folder / f"case_{number}.nii.gz").unlink()
    assert [finding.code for finding in check_dataset(open_dataset(pairs_folder))] == ["too-few"]
    assert [finding.code for finding in check_dataset(open_dataset(pairs_folder), recipe_for())] == ["split", "too-few"]


def manifest(root, *rows, columns="name,image,label,patient,split"):
    (root / "manifest.csv").write_text("\n".join([columns, *rows]))
    return open_dataset(root / "manifest.csv")


def rows(splits):
    return [f"{n},images/case_{n}.nii.gz,labels/case_{n}.nii.gz,p{n},{split}" for n, split in enumerate(splits)]


SPLITS = ("train", "train", "train", "train", "validation", "validation")


def test_a_copy_is_an_error_where_it_crosses_the_split_and_a_warning_else(pairs_folder, nifti):
    """Also one that is stored the other way round, as another type."""
    first = nibabel.load(pairs_folder / "images/case_0.nii.gz")
    canonical = nibabel.as_closest_canonical(first)
    for number, matrix in ((1, first.affine), (4, canonical.affine)):
        voxels = np.asanyarray((first if number == 1 else canonical).dataobj).astype(np.float64)
        nifti(pairs_folder / f"images/case_{number}.nii.gz", voxels, matrix)
    label = nibabel.as_closest_canonical(nibabel.load(pairs_folder / "labels/case_4.nii.gz"))
    nibabel.save(label, pairs_folder / "labels/case_4.nii.gz")

    crossing = only(check_dataset(manifest(pairs_folder, *rows(SPLITS))), "duplicate-across-splits")
    within = only(check_dataset(manifest(pairs_folder, *rows([""] * 6))), "duplicate")

    assert (crossing.severity, crossing.case, within.severity) == ("error", "0", "warning")
    assert crossing.message == "it has the same voxels as 1 in train, 4 in validation; itself it is in train"


def test_copies_are_found_across_the_recipes_own_fold(pairs_folder):
    dataset = open_dataset(pairs_folder)
    kept = divide(dataset, recipe_for().data).validation[0].name
    trained = divide(dataset, recipe_for().data).training[0].name
    (pairs_folder / f"images/{trained}.nii.gz").write_bytes((pairs_folder / f"images/{kept}.nii.gz").read_bytes())
    assert [finding.code for finding in check_dataset(dataset, recipe_for())] == ["duplicate-across-splits"]


def test_a_patient_in_two_parts(pairs_folder):
    listed = [row.replace("p0", "p5") for row in rows(SPLITS)]
    finding = only(check_dataset(manifest(pairs_folder, *listed)), "patient-across-splits")
    assert finding.severity == "error"
    assert finding.message == "the patient p5 is in more than one part: train (0) and validation (5)"


def test_a_label_that_is_missing_from_a_part(pairs_folder):
    for number in (4, 5):
        changed(pairs_folder / f"labels/case_{number}.nii.gz", lambda voxels: voxels * (voxels == 1))
    for number in range(4):
        changed(pairs_folder / f"labels/case_{number}.nii.gz", lambda voxels: voxels * (voxels == 2))

    findings = check_dataset(manifest(pairs_folder, *rows(SPLITS)), recipe_for())

    assert [(finding.severity, finding.message) for finding in findings] == [
        ("error", "no case to train on has the label 1 (one)"),
        ("warning", "no case to validate on has the label 2 (two)"),
    ]


def pictures(root, picture, names):
    for number, name in enumerate(names):
        picture(root / name, np.full((4, 4), number, np.uint8))
    return open_dataset(root)


def test_a_class_that_is_missing_from_a_part(tmp_path, picture):
    dataset = pictures(tmp_path, picture, ["train/a/1.png", "train/a/2.png", "val/a/3.png", "val/b/4.png"])
    finding = only(check_dataset(dataset), "missing-class")
    assert (finding.severity, finding.message) == ("error", "no case to train on has the class 1 (b)")


def test_a_case_without_a_class(pairs_folder):
    listed = [f"images/case_{n}.nii.gz,{target}" for n, target in enumerate(("a", "b", "", "a", "b", "a"))]
    findings = check_dataset(manifest(pairs_folder, *listed, columns="image,target"))
    assert said(findings) == [("error", "no-class", "images/case_2.nii.gz")]


def test_classes_that_the_recipe_does_not_name_or_gives_other_numbers(tmp_path, picture):
    names = [f"{part}/{name}/1.png" for part in ("train", "val") for name in ("NORMAL", "PNEUMONIA", "covid")]
    dataset = pictures(tmp_path, picture, names)

    findings = check_dataset(dataset, recipe_for("classify", ("pneumonia", "normal"), channels=("grey",)))

    assert [finding.code for finding in findings] == ["swapped-names"] * 2 + ["unknown-class"] * 2
    assert findings[0].message.startswith("NORMAL has the number 0 in the data and 1 in the recipe")


# What training refuses by itself, before it reads voxels.


def refused(dataset, recipe):
    refuse_unusable(dataset, divide(dataset, recipe.data), recipe)


def test_sound_data_are_not_refused_and_no_voxel_is_read(pairs_folder, monkeypatch):
    monkeypatch.setattr(io.nifti, "_read_voxels", lambda *_: pytest.fail("voxels were read"))
    refused(open_dataset(pairs_folder), recipe_for())


def test_a_validation_label_on_another_grid_is_refused(pairs_folder):
    changed(pairs_folder / "labels/case_5.nii.gz", lambda voxels: voxels[1:])
    with pytest.raises(DatasetError, match="the case 5: its label has 5×5×4 voxels, its image 6×5×4"):
        refused(manifest(pairs_folder, *rows(SPLITS)), recipe_for())


def test_a_case_without_a_label_is_refused_where_labels_are_needed(pairs_folder):
    (pairs_folder / "labels/case_1.nii.gz").unlink()
    dataset = open_dataset(pairs_folder)
    with pytest.raises(DatasetError, match=r"the case case_1: it has no label image; see: vesalius data check"):
        refused(dataset, recipe_for())
    refused(dataset, recipe_for("reconstruct", ()))


def test_a_class_without_a_case_to_learn_from_is_refused(tmp_path, picture):
    dataset = pictures(tmp_path, picture, ["train/a/1.png", "val/a/2.png", "val/b/3.png"])
    with pytest.raises(DatasetError, match=r"no case to train on has the class 1 \(b\)"):
        refused(dataset, recipe_for("classify", ("a", "b")))


def test_a_patient_in_two_parts_is_refused(pairs_folder):
    with pytest.raises(DatasetError, match="the patient p5 is in more than one part"):
        refused(manifest(pairs_folder, *(row.replace("p0", "p5") for row in rows(SPLITS))), recipe_for())


def test_a_listed_file_that_is_missing_is_refused(pairs_folder):
    (pairs_folder / "labels/case_0.nii.gz").unlink()
    with pytest.raises(DatasetError, match=r"case_0\.nii\.gz is not there"):
        refused(manifest(pairs_folder, *rows(SPLITS)), recipe_for())
