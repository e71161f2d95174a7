"""What a training shows while it runs, and Ctrl-C."""

from __future__ import annotations

import io
import os
import signal
import sys

import pytest
from rich.console import Console
from rich.progress import Progress as RichProgress
from typer import Exit

from vesalius.cli.training_display import Lines, Stop, TrainingBar, one_voice, watching
from vesalius.errors import CancelledError, TrainingError
from vesalius.train.watch import Score


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


def fail(error):
    print("words")
    print("more", file=sys.stderr)
    raise error


def test_the_other_processes_say_nothing(monkeypatch, capsys):
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setenv("LOCAL_RANK", "1")
    try:
        with pytest.raises(Exit) as caught, one_voice():
            fail(TrainingError("the loss is nan"))
        assert caught.value.exit_code == 0  # or Lightning would kill the first process before it has spoken
        with pytest.raises(Exit) as caught, one_voice():
            fail(ZeroDivisionError())
        assert caught.value.exit_code == 1
    finally:
        signal.signal(signal.SIGINT, before)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")
