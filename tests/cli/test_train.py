"""``vesalius train``."""

from __future__ import annotations

import io
import json
import os
import signal
import sys

import pytest
from rich.console import Console
from rich.progress import Progress as RichProgress

from tiny_trainings import place, segmenting, write_recipe
from vesalius.cli import run
from vesalius.cli.training_display import Lines, Stop, TrainingBar, one_voice, watching
from vesalius.errors import CancelledError, TrainingError
from vesalius.models.folder import open_model
from vesalius.train.watch import Score


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
        f"The model is {short.out}; measure it: vesalius evaluate {short.out} --data {short.data} --split validation --out DIR"
    )
    assert [line.split(": dice")[0] for line in said.err.splitlines()] == ["step 1 of 2", "step 2 of 2"]

    assert run(words(short)) == 0
    said = capsys.readouterr()
    assert said.out.startswith(
        f"{short.out} is finished, nothing was trained; give another --out to train anew\ndice {dice}"
    )
    assert said.err == ""


def test_the_command_that_it_suggests_measures_the_same(short, capsys, tmp_path):
    run(words(short))
    suggested = capsys.readouterr().out.splitlines()[1].partition("vesalius ")[2]
    assert run(suggested.replace("DIR", str(tmp_path / "e")).split() + ["--engine", "torch", "--precision", "f32"]) == 0
    found = json.loads((tmp_path / "e" / "evaluation.json").read_text())
    dice = next(score.value for score in open_model(short.out).spec.scores if score.metric == "dice")
    assert found["task"]["labels"]["blob"]["dice"]["mean"]["estimate"] == pytest.approx(dice, abs=1e-3)


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


def test_ctrl_c_before_the_first_step_stops_at_once_and_later_at_the_end_of_a_step(capsys):
    stop = Stop()
    with pytest.raises(KeyboardInterrupt):
        stop(signal.SIGINT, None)
    watcher = Lines(stop)
    watcher.started(0, 5)
    watcher.stepped(1, 0.5)
    stop(signal.SIGINT, None)
    assert "Ctrl-C again stops at once" in capsys.readouterr().err
    with pytest.raises(CancelledError):
        watcher.stepped(2, 0.5)
    with pytest.raises(KeyboardInterrupt):
        stop(signal.SIGINT, None)


def test_ctrl_c_means_again_what_it_meant_before(capsys):
    before = signal.getsignal(signal.SIGINT)
    with watching() as (listener, watcher):
        assert listener is None
        assert isinstance(watcher, Lines)
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_the_bar_shows_loss_score_and_how_far_it_is():
    drawn = RichProgress(console=Console(file=io.StringIO(), force_terminal=True), auto_refresh=False)
    bar = TrainingBar(drawn, Stop())
    bar.started(10, 100)
    task = drawn.tasks[0]
    assert (task.completed, task.total) == (10, 100)
    bar.stepped(11, 2.0)
    bar.stepped(12, 1.0)
    assert task.description == "loss 1.950"
    bar.scored(12, Score("dice", 0.8125, {"blob": 0.8125}))
    bar.stepped(13, 1.95)
    assert (task.description, task.completed) == ("loss 1.950 dice 0.8125", 13)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pty")
def test_on_a_terminal_there_is_one_bar_with_the_time_left(monkeypatch):
    master, slave = os.openpty()
    with os.fdopen(slave, "w") as terminal:
        monkeypatch.setattr("sys.stderr", terminal)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "100")
        with watching() as (listener, watcher):
            listener.started("prepare", 4)
            listener.advanced(2)
            listener.finished()
            watcher.started(0, 200)
            for step in range(1, 101):
                watcher.stepped(step, 0.5)
            watcher.scored(100, Score("dice", 0.75, {}))
            watcher.stepped(101, 0.5)
    shown = os.read(master, 1 << 16).decode(errors="replace")
    os.close(master)
    assert "loss 0.500 dice 0.7500" in shown
    assert "101/200" in shown
    assert "0:00:0" in shown


def test_the_other_processes_say_nothing(monkeypatch, capsys):
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setenv("LOCAL_RANK", "1")
    try:
        from typer import Exit

        with pytest.raises(Exit) as caught, one_voice():
            print("words")
            print("more", file=sys.stderr)
            raise TrainingError("the loss is nan")
        assert caught.value.exit_code == 0
        with pytest.raises(Exit) as caught, one_voice():
            raise ZeroDivisionError
        assert caught.value.exit_code == 1
    finally:
        signal.signal(signal.SIGINT, before)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")
