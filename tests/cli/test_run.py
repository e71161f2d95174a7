"""What every verb shares: exit codes, one sentence on standard error, help, version, --debug."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vesalius import __version__, errors
from vesalius.cli import run

EXECUTABLE = [sys.executable, "-c", "from vesalius.cli import main; main()"]


def failing_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_all(path: str) -> None:
        raise error

    monkeypatch.setattr("vesalius.io.read_all", read_all)


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (errors.ScanNotFoundError("nothing is there"), 3, "vesalius: nothing is there\n"),
        (errors.OutputError("no room"), 2, "vesalius: no room\n"),
        (errors.NotEnoughMemoryError("too large"), 4, "vesalius: too large\n"),
        (errors.CancelledError("stopped"), 1, "vesalius: stopped\n"),
        (MemoryError(), 4, "ran out of memory"),
        (OSError(errno.ENOSPC, "No space left on device", "/data/x"), 4, "the disk is full while writing /data/x;"),
        (OSError(errno.EDQUOT, "Quota exceeded"), 4, "the disk is full;"),
        (OSError(errno.EIO, "Input/output error"), 1, "unexpected OSError:"),
        (ZeroDivisionError("division\n  by zero"), 1, "unexpected ZeroDivisionError: division by zero; run it again"),
        (AssertionError(), 1, "unexpected AssertionError: no message;"),
        (KeyboardInterrupt(), 1, "vesalius: stopped; nothing was left half-written\n"),
    ],
)
def test_every_error_is_one_sentence_and_an_exit_code(
    error: BaseException,
    code: int,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    failing_with(error, monkeypatch)
    assert run(["read", "x"]) == code
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


@pytest.mark.parametrize("arguments", [["--debug", "read", "x"], ["read", "x", "--debug"]])
def test_debug_shows_where_it_happened(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing_with(errors.ScanNotFoundError("nothing is there"), monkeypatch)
    assert run(arguments) == 3
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["raed", "x"], "no such command 'raed'. Did you mean 'read'?; see: vesalius --help"),
        (["read"], "see: vesalius read --help"),
        (["analyze", "x"], "missing option '--out'; see: vesalius analyze --help"),
        (["analyze", "x", "--out", "y", "--engine", "steam"], "'steam' is not one of 'auto', 'openvino'"),
        (["convert", "a", "b", "--fill-nan", "much"], "--fill-nan"),
        (["models", "lsit"], "no such command 'lsit'"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_wrong_arguments_exit_2_and_name_the_help(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert captured.err.count("\n") == 1


def test_help_names_every_verb_also_when_nothing_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    alone = capsys.readouterr().out
    assert run(["--help"]) == 0
    assert capsys.readouterr().out == alone
    for verb in ("demo", "read", "convert", "analyze", "models", "doctor"):
        assert f"  {verb} " in alone


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"vesalius {__version__}\n"


def test_ctrl_c_while_the_arguments_are_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("typer.core.TyperGroup.make_context", interrupt)
    assert run(["read", "x"]) == 1
    assert capsys.readouterr().err == "vesalius: stopped; nothing was left half-written\n"


def test_a_reader_that_leaves_early_is_no_error() -> None:
    command = " ".join(["'" + word + "'" for word in EXECUTABLE])
    done = subprocess.run(["bash", "-c", f"{command} --help | head -c 1"], capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
def test_ctrl_c_ends_the_process_with_one_sentence(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    code = (
        "import pathlib, time, vesalius.io\n"
        f"def read_all(path): pathlib.Path({str(ready)!r}).touch(); time.sleep(60)\n"
        "vesalius.io.read_all = read_all\n"
        "from vesalius.cli import main\n"
        "import sys; sys.argv = ['vesalius', 'read', 'x']; main()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) as process:
        while not ready.exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate()
    assert complaint == "vesalius: stopped; nothing was left half-written\n"
    assert process.returncode == 1
