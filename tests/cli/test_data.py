"""``vesalius data``: what is wrong with training data, before they are trained on."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from vesalius.cli import run

RECIPE = """
name = "x"
task = "segment"
[labels.1]
name = "a"
colour = "#ff0000"
[data.split]
folds = 3
[data.grid]
kind = "sliding"
patch = [4, 4, 4]
[network]
net = "unet"
[loss]
terms = { dice = 1.0 }
[training]
steps = 1
batch = 1
[origin]
data = "none"
licence = "none"
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    for number in range(4):
        label = np.zeros((4, 5, 6), np.uint8)
        label[1, 2, 3] = 1
        for folder, voxels in (("images", random.normal(size=(4, 5, 6)).astype(np.float32)), ("labels", label)):
            nibabel.save(nibabel.Nifti1Image(voxels, np.diag([-1.0, 1, 2, 1])), tmp_path / folder / f"{number}.nii.gz")
    return tmp_path


def test_sound_data_are_told_in_a_line(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "check", str(data)]) == 0
    assert capsys.readouterr().out == "images and labels: 4 cases (4 in no split); 0 errors, 0 warnings\n"


def test_with_a_recipe_the_split_is_its_fold(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "recipe.toml").write_text(RECIPE)
    assert run(["data", "check", str(data), "--recipe", str(data / "recipe.toml")]) == 0
    assert "(2 cases to train on, 2 cases to validate on: fold 0 of 3" in capsys.readouterr().out


def test_errors_are_listed_and_give_exit_code_3(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "labels/2.nii.gz").unlink()
    (data / "images/1.nii.gz").write_bytes((data / "images/0.nii.gz").read_bytes())

    assert run(["data", "check", str(data)]) == 3

    first, second, summary = capsys.readouterr().out.splitlines()
    assert first.split(maxsplit=3) == ["error", "no-label", "2", "it has no label image"]
    assert second.split()[:3] == ["warning", "duplicate", "0"]
    assert summary.endswith("1 errors, 1 warnings")


def test_warnings_alone_are_no_failure(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "images/1.nii.gz").write_bytes((data / "images/0.nii.gz").read_bytes())
    assert run(["data", "check", str(data)]) == 0
    assert "warning" in capsys.readouterr().out


def test_programs_get_json(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "labels/2.nii.gz").unlink()
    assert run(["data", "check", str(data), "--json"]) == 3
    assert json.loads(capsys.readouterr().out) == {
        "layout": "images and labels",
        "cases": 4,
        "split": "4 in no split",
        "findings": [{"severity": "error", "code": "no-label", "case": "2", "message": "it has no label image"}],
    }


def test_a_split_that_the_recipe_cannot_make_is_a_finding(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "recipe.toml").write_text(RECIPE.replace("folds = 3", "folds = 9\nfold = 8"))
    assert run(["data", "check", str(data), "--recipe", str(data / "recipe.toml")]) == 3
    assert "too few for fold 8 of 9" in capsys.readouterr().out


def test_a_manifest_beside_the_recipe_is_followed(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "recipes").mkdir()
    recipe = data / "recipes/recipe.toml"
    recipe.write_text(RECIPE.replace("[data.split]", '[data]\nmanifest = "cases.csv"\n[data.split]'))
    rows = [f"images/{n}.nii.gz,labels/{n}.nii.gz,{split}" for n, split in enumerate(["train", "train", "val"])]
    (data / "recipes/cases.csv").write_text("\n".join(["image,label,split", *rows]))

    assert run(["data", "check", str(data), "--recipe", str(recipe)]) == 0

    assert capsys.readouterr().out.startswith(
        "manifest: 3 cases (2 cases to train on, 1 case to validate on: the data's"
    )


@pytest.mark.parametrize("name", ["absent", "."])
def test_what_are_no_data_is_said_on_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert run(["data", "check", str(tmp_path / name)]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("vesalius: ")
