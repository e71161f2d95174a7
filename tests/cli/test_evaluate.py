"""``vesalius evaluate``: what it hands over, what it says, and its exit code."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
from known_models import mean_model, rounding_model
from labelled import noisy_cases, write_case
from vesalius.cli import run
from vesalius.train.evaluate.records import Evaluation

NAMES = [f"case-{n}" for n in range(5)]
EXACT = ["--precision", "f32", "--engine", "openvino"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(rounding_model(tmp_path_factory.mktemp("models") / "segmenter", ("front", "back"), (12, 12, 8)).path)


@pytest.fixture
def data(tmp_path):
    noisy_cases(tmp_path / "data", NAMES, noise=0.2)
    return tmp_path / "data"


def test_figures_worst_cases_and_the_folder_are_shown(model, data, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(["evaluate", model, "--data", str(data), "--out", str(out), "--tolerance", "1.5", *EXACT]) == 0
    text = capsys.readouterr().out
    found = Evaluation.model_validate_json((out / "evaluation.json").read_text()).segmentation
    dice = found.labels["front"]["dice"].mean
    row = next(line for line in text.splitlines() if line.startswith("Dice"))
    assert re.split(r"  +", row)[1] == f"{dice.estimate:.3f} ({dice.low:.3f} to {dice.high:.3f})"
    assert re.search(r"^NSD at 1\.5 mm", text, re.MULTILINE)
    assert f"Worst cases:\n{found.cases[0].name}  Dice {found.cases[0].dice:.3f}" in text
    assert text.splitlines()[-1] == f"Everything is in {out}"


def test_a_fold_means_its_validation_cases(model, data, tmp_path, capsys):
    out = tmp_path / "out"
    fold = ["--fold", "1/5", "--seed", "3", "--json"]
    assert run(["evaluate", model, "--data", str(data), "--out", str(out), *fold, *EXACT]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((out / "evaluation.json").read_text())
    assert {key: printed["data"][key] for key in ("part", "fold", "folds", "seed")} == {
        "part": "validation",
        "fold": 1,
        "folds": 5,
        "seed": 3,
    }
    assert len(printed["segmentation"]["cases"]) == 1


@pytest.mark.parametrize("fold", ["5/5", "1", "a/b", "-1/5", "0/1"])
def test_a_fold_that_cannot_be_is_refused(model, data, tmp_path, fold, capsys):
    assert run(["evaluate", model, "--data", str(data), "--out", str(tmp_path / "out"), f"--fold={fold}"]) == 2
    assert "fold" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_failed_case_is_named_and_the_exit_code_is_3(model, data, tmp_path, capsys):
    write_case(data, "bad", np.full((8, 8, 8), np.nan), np.ones((8, 8, 8), np.uint8))
    assert run(["evaluate", model, "--data", str(data), "--out", str(tmp_path / "out"), *EXACT]) == 3
    captured = capsys.readouterr()
    assert re.search(r"^Failed: bad: .*not a number", captured.out, re.MULTILINE)
    assert (tmp_path / "out" / "evaluation.json").exists()


def test_bad_input_is_one_sentence(model, tmp_path, capsys):
    out = ["--out", str(tmp_path / "out")]
    assert run(["evaluate", model, "--data", str(tmp_path / "nothing"), *out]) == 3
    assert run(["evaluate", "hipocampus", "--data", str(tmp_path), *out]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_against_another_evaluation_the_differences_are_shown(model, data, tmp_path, capsys):
    noisy_cases(tmp_path / "worse", NAMES, noise=0.35)
    arguments = ["evaluate", model, "--data", str(tmp_path / "worse"), "--out", str(tmp_path / "one"), *EXACT]
    assert run(arguments) == 0
    capsys.readouterr()
    out = str(tmp_path / "two")
    assert run(["evaluate", model, "--data", str(data), "--out", out, "--against", str(tmp_path / "one"), *EXACT]) == 0
    text = capsys.readouterr().out
    found = Evaluation.model_validate_json((tmp_path / "two" / "evaluation.json").read_text()).comparison
    row = next(re.split(r"  +", line) for line in text.splitlines() if re.match("overall +Dice", line))
    one = found.differences["overall"]["dice"]
    assert row[2].startswith(f"{one.difference.estimate:+.3f} (")
    assert row[3:] == [f"{one.p_value:.2g}", "5"]
    assert one.difference.estimate > 0


def test_a_classifiers_figures_and_answers_are_shown(tmp_path, capsys):
    model = mean_model(tmp_path / "model", ("well", "ill"), (6, 5, 1)).path
    means = np.array([0.1, 0.2, 0.7, 0.9, 0.8, 0.3])
    pictures = np.broadcast_to(means[:, None, None], (6, 5, 6)).astype(np.float32)
    np.savez(
        tmp_path / "data.npz", test_images=pictures, test_labels=np.array([[0], [0], [0], [1], [1], [1]], np.uint8)
    )
    arguments = ["--data", str(tmp_path / "data.npz"), "--out", str(tmp_path / "out"), "--split", "test", *EXACT]
    assert run(["evaluate", str(model), *arguments]) == 0
    lines = [re.split(r"  +", line) for line in capsys.readouterr().out.splitlines()]
    assert ["well", "2", "1"] in lines
    assert ["ill", "1", "2"] in lines
    assert next(row for row in lines if row[0] == "accuracy")[1].startswith("0.667 (")
    assert next(row for row in lines if row[0] == "AUROC")[1].startswith("0.889 (")
    assert ["test-5", "ill, whose probability is 45.0%"] in lines


def test_several_classes_have_a_row_each(tmp_path, capsys):
    model = mean_model(tmp_path / "model", ("none", "some", "much"), (6, 5, 1)).path
    pictures = np.broadcast_to(np.array([0.1, 1.2, 2.1])[:, None, None], (3, 5, 6)).astype(np.float32)
    np.savez(tmp_path / "data.npz", test_images=pictures, test_labels=np.array([[0], [1], [2]], np.uint8))
    out = str(tmp_path / "out")
    assert run(["evaluate", str(model), "--data", str(tmp_path / "data.npz"), "--out", out, *EXACT]) == 0
    lines = [re.split(r"  +", line) for line in capsys.readouterr().out.splitlines()]
    assert ["class", "AUROC", "F1", "sensitivity", "specificity"] in lines
    assert ["some", *["1.000 (1.000 to 1.000)"] * 4] in lines


def test_many_labels_are_rows(tmp_path, capsys):
    names = tuple(f"part {n}" for n in range(1, 7))
    model = rounding_model(tmp_path / "model", names, (12, 12, 8)).path
    label = np.zeros((12, 12, 8), np.uint8)
    label[:6] = np.arange(1, 7)[:, None, None]
    write_case(tmp_path / "data", "a", label, label)
    assert run(["evaluate", str(model), "--data", str(tmp_path / "data"), "--out", str(tmp_path / "out"), *EXACT]) == 0
    lines = [re.split(r"  +", line) for line in capsys.readouterr().out.splitlines()]
    assert [row[0] for row in lines if row[0].startswith("part")] == list(names)
    assert ["mean (95 % interval)", "Dice", "HD95 (mm)", "ASSD (mm)", "NSD at 1 mm"] in lines
