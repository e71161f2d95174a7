"""The progress bar: drawn on a terminal, and only there."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import Progress as RichProgress

from vesalius.cli.progress import Bar, bar
from vesalius.engine.progress import Progress


def test_no_bar_where_standard_error_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with bar() as listener:
        assert listener is None
    assert capsys.readouterr().err == ""


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with bar() as listener:
        assert isinstance(listener, Bar)


def test_each_stage_has_a_bar_of_its_own_that_goes_when_it_ends() -> None:
    drawn = RichProgress(console=Console(file=io.StringIO(), force_terminal=True), auto_refresh=False)
    progress = Progress(Bar(drawn))

    def visible() -> list[tuple[str, float, float | None]]:
        return [(task.description, task.completed, task.total) for task in drawn.tasks if task.visible]

    assert visible() == [("starting", 0, None)]
    with progress.stage("network", steps=8):
        progress.advance(3)
        assert visible() == [("network", 3, 8)]
    assert visible() == []
    with progress.stage("picture"):
        assert visible() == [("picture", 0, None)]
    assert visible() == []


def test_the_bar_of_a_stage_that_fails_goes_too() -> None:
    drawn = RichProgress(console=Console(file=io.StringIO(), force_terminal=True), auto_refresh=False)
    with pytest.raises(ZeroDivisionError), Progress(Bar(drawn)).stage("network", steps=8):
        raise ZeroDivisionError
    assert not any(task.visible for task in drawn.tasks)
