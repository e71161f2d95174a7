"""Trainings in processes of their own: killed at any moment, and several at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tiny_trainings import VESALIUS, checkpoint_of, largest_gap, place, same_tensors, segmenting
from vesalius.train.place import CHECKPOINT

pytestmark = pytest.mark.slow
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}
CHAIN = [{"kind": "flip", "axes": [0]}, {"kind": "affine"}, {"kind": "noise"}]


def command(short, out: Path, *more: str) -> list[str]:
    return [
        *VESALIUS,
        "train",
        str(short.recipe),
        "--data",
        str(short.data),
        "--out",
        str(out),
        "--device",
        "cpu",
        *more,
    ]


def run(short, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(short, out, *more), env=ONE_THREAD, capture_output=True, text=True, timeout=500, check=False
    )


def last_step(out: Path) -> int:
    try:
        return int((out / "training" / "log.csv").read_text().splitlines()[-1].split(",")[0])
    except (OSError, ValueError, IndexError):
        return 0


def test_killed_at_any_moment_and_run_again_it_ends_with_the_same_bits(tmp_path):
    recipe = segmenting(training__steps=60, training__checkpoint_every=7, training__validate_every=20, augment=CHAIN)
    short = place(tmp_path, recipe)
    straight = run(short, tmp_path / "straight")
    assert straight.returncode == 0, straight.stderr

    for wanted in (3, 25, random.randrange(30, 55)):
        with subprocess.Popen(command(short, short.out), env=ONE_THREAD, stderr=subprocess.DEVNULL) as process:
            while last_step(short.out) < wanted:
                assert process.poll() is None
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
        step = last_step(short.out)
        kept = checkpoint_of(short.out).state.step if (short.out / "training" / CHECKPOINT).exists() else 0
        assert step - 7 - 1 <= kept <= step

    assert run(short, short.out).returncode == 0
    assert same_tensors(checkpoint_of(tmp_path / "straight"), checkpoint_of(short.out))
    for name in ("network.safetensors", "training/validation.csv"):
        assert (tmp_path / "straight" / name).read_bytes() == (short.out / name).read_bytes()
    assert not list(short.out.rglob(".*"))


def test_two_processes_train_what_one_trains_and_both_end(tmp_path):
    recipe = segmenting(training__batch=4, training__optimiser="sgd", training__learning_rate=0.01, training__ema=0.5)
    short = place(tmp_path, recipe)
    assert run(short, tmp_path / "one").returncode == 0
    two = run(short, tmp_path / "two", "--devices", "2")

    assert two.returncode == 0, two.stderr
    first, second = checkpoint_of(tmp_path / "one"), checkpoint_of(tmp_path / "two")
    assert largest_gap(first, second) < 1e-5
    assert second.state.step == 6
    assert [line.split(":")[0] for line in two.stderr.splitlines() if "dice" in line] == ["step 3 of 6", "step 6 of 6"]
    assert two.stdout.count("on 2 validation cases") == 1
    again = run(short, tmp_path / "two", "--devices", "2")
    assert "is finished" in again.stdout


def test_two_processes_train_all_folds(tmp_path):
    short = place(tmp_path, segmenting(training__steps=2))
    done = run(short, short.out, "--devices", "2", "--fold", "all", "--folds", "2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("over 2 folds") == 1
    for fold in range(2):
        alone = run(short, tmp_path / f"alone-{fold}", "--devices", "2", "--fold", str(fold), "--folds", "2")
        assert alone.returncode == 0, alone.stderr
        assert same_tensors(checkpoint_of(tmp_path / f"alone-{fold}"), checkpoint_of(short.out / f"fold-{fold}"))


def test_one_of_two_processes_cannot_go_on_alone(tmp_path):
    """A loss that is no number stops both, and one sentence says so."""
    short = place(tmp_path, segmenting(training__learning_rate=1e30, training__optimiser="sgd"))
    done = run(short, short.out, "--devices", "2")
    assert done.returncode == 1
    assert done.stderr.count("vesalius: the ") == 1
    assert "step" in done.stderr
    assert "case_" in done.stderr


def test_ctrl_c_writes_a_checkpoint_and_exits_with_1(tmp_path):
    short = place(
        tmp_path, segmenting(training__steps=100000, training__checkpoint_every=100000, training__validate_every=100000)
    )
    with subprocess.Popen(command(short, short.out), env=ONE_THREAD, stderr=subprocess.PIPE, text=True) as process:
        while last_step(short.out) < 2:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=120)
    assert process.returncode == 1
    first, second = complaint.splitlines()
    assert first.startswith("stopping as soon as a checkpoint is written")
    step = checkpoint_of(short.out).state.step
    assert second == f"vesalius: stopped after step {step} of 100000; run it again to go on from there"
    assert last_step(short.out) == step
