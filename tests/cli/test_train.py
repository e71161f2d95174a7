"""``vesalius train``."""

from __future__ import annotations

import json

import pytest

from tiny_trainings import place, segmenting, write_recipe
from vesalius.cli import run
from vesalius.models.folder import open_model


@pytest.fixture
def short(tmp_path):
    return place(tmp_path, segmenting(training__steps=2, training__validate_every=1))


def words(short, *more: str) -> list[str]:
    return ["train", str(short.recipe), "--data", str(short.data), "--out", str(short.out), "--device", "cpu", *more]


def test_a_model_is_trained_and_what_to_do_with_it_said(short, capsys):
    assert run(words(short)) == 0
    said = capsys.readouterr()
    spec = open_model(short.out).spec
    dice = f"{next(score.value for score in spec.scores if score.metric == 'dice'):.4f}"
    first, second = said.out.splitlines()
    assert first.startswith(f"dice {dice} (blob ")
    assert first.endswith("on 2 validation cases")
    assert second == (
        f"The model is {short.out}; measure it: "
        f"vesalius evaluate {short.out} --data {short.data} --split validation --out DIR"
    )
    assert [line.split(": dice")[0] for line in said.err.splitlines()] == ["step 1 of 2", "step 2 of 2"]

    assert run(words(short)) == 0
    said = capsys.readouterr()
    assert said.out.startswith(
        f"{short.out} is finished, nothing was trained; give another --out to train anew\ndice {dice}"
    )
    assert said.err == ""


def test_the_command_that_it_suggests_measures_the_same(short, capsys, tmp_path):
    write_recipe(segmenting(training__steps=12), short.recipe)
    run(words(short))
    suggested = capsys.readouterr().out.splitlines()[1].partition("vesalius ")[2].replace("DIR", str(tmp_path / "e"))
    assert run([*suggested.split(), "--engine", "torch", "--precision", "f32"]) == 0
    found = json.loads((tmp_path / "e" / "evaluation.json").read_text())
    dice = next(score.value for score in open_model(short.out).spec.scores if score.metric == "dice")
    assert found["segmentation"]["labels"]["blob"]["dice"]["mean"]["estimate"] == pytest.approx(dice, abs=1e-3)


def test_an_unknown_key_exits_with_3_and_names_the_nearest(short, capsys):
    short.recipe.write_text(short.recipe.read_text().replace("learning_rate", "lerning_rate"))
    assert run(words(short)) == 3
    complaint = capsys.readouterr().err
    assert "unknown key 'lerning_rate' in [training]; did you mean 'learning_rate'" in complaint
    assert complaint.count("\n") == 1
    assert not short.out.exists()


def test_a_checkpoint_of_another_recipe_exits_with_3(short, capsys):
    assert run(words(short)) == 0
    write_recipe(segmenting(training__steps=3), short.recipe)
    assert run(words(short)) == 3
    assert "another recipe (differing in training.steps, training.validate_every)" in capsys.readouterr().err


def test_all_folds_are_trained_and_summed_up(short, capsys):
    assert run(words(short, "--fold", "all", "--folds", "2")) == 0
    said = capsys.readouterr()
    summary = json.loads((short.out / "cross-validation.json").read_text())
    mean = sum(summary["values"]) / 2
    deviation = abs(summary["values"][0] - summary["values"][1]) / 2**0.5
    assert said.out.splitlines()[-1] == (
        f"dice {mean:.4f} ± {deviation:.4f} over 2 folds; see {short.out / 'cross-validation.json'}"
    )
    assert [line for line in said.err.splitlines() if line.startswith("fold")] == ["fold 0 of 2", "fold 1 of 2"]
    splits = [open_model(short.out / f"fold-{fold}").spec.origin.split for fold in range(2)]
    assert ["fold 0 of 2" in splits[0], "fold 1 of 2" in splits[1]] == [True, True]

    before = (short.out / "fold-1" / "network.safetensors").stat().st_mtime_ns
    assert run(words(short, "--fold", "all", "--folds", "2")) == 0
    assert (short.out / "fold-1" / "network.safetensors").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--fold", "9"], "there is no fold 9; the recipe makes 3"),
        (["--fold", "one"], "--fold is the number of a fold, from 0, or 'all', not 'one'"),
        (["--folds", "4"], "--fold 0, or all"),
        (["--folds", "1", "--fold", "0"], "--folds"),
        (["--devices", "0"], "--devices"),
    ],
)
def test_wrong_folds_and_devices_exit_with_2(short, capsys, more, sentence):
    assert run(words(short, *more)) == 2
    assert sentence in capsys.readouterr().err
    assert not short.out.exists()
