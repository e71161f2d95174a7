"""``vesalius doctor``: true of this machine, and of one that lacks things."""

from __future__ import annotations

import importlib.metadata
import json
import os
from pathlib import Path

import psutil
import pytest

from vesalius.cli import machine, run


def test_the_machine_is_described(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "new"))
    assert run(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ready"] is True
    assert found["machine"]["memory_bytes"] == psutil.virtual_memory().total
    assert found["machine"]["cores"] == len(os.sched_getaffinity(0))
    engines = {engine["name"]: engine for engine in found["engines"]}
    assert engines.keys() == {"openvino", "onnxruntime", "torch"}
    assert engines["openvino"]["version"] == importlib.metadata.version("openvino")
    assert found["cache"] == {"folder": str(tmp_path / "new"), "writable": True}
    assert not (tmp_path / "new").exists()


def test_what_is_missing_is_named_with_the_command_that_installs_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_installed", lambda package: package != "vtk")
    assert run(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "extra view: lacks vtk; run: pip install 'vesalius[view]'" in out
    assert "extra torch: there" in out


def test_without_an_engine_it_fails(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> tuple[str, str]:
        raise ModuleNotFoundError

    def broken() -> tuple[str, str]:
        raise ImportError("libgomp.so.1: cannot open\nshared object file")

    monkeypatch.setattr(machine, "_openvino", broken)
    monkeypatch.setattr(machine, "_onnxruntime", absent)
    monkeypatch.setattr(machine, "_torch", absent)
    assert run(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "engine openvino: does not load: libgomp.so.1: cannot open shared object file" in out
    assert "engine torch: not installed" in out
    assert "cannot run" in out
