"""The benchmark harness: fair turns, honest memory, loud failures."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import harness, run  # they are no part of the installed package


def test_contenders_take_turns_after_their_warm_up() -> None:
    calls: list[str] = []
    timings = harness.measure({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, repeats=3, warmup=1)
    assert "".join(calls) == "ab" + "ababab"
    for figures in timings.values():
        assert len(figures["seconds"]) == 3
        assert figures["min"] <= figures["median"] <= figures["max"]


def test_processes_are_measured_with_their_own_memory() -> None:
    hungry = f"x = bytearray({200 * 2**20})"
    timings = harness.measure_commands(
        {"idle": [sys.executable, "-c", "pass"], "hungry": [sys.executable, "-c", hungry]}, repeats=1, warmup=0
    )
    difference = timings["hungry"]["peak_bytes"] - timings["idle"]["peak_bytes"]
    assert 190 * 2**20 < difference < 230 * 2**20


def test_a_command_that_fails_is_no_fast_one() -> None:
    command = [sys.executable, "-c", "raise SystemExit('no weights')"]
    with pytest.raises(RuntimeError, match="no weights"):
        harness.measure_commands({"broken": command}, repeats=1)
    assert harness.run_process(command, must_succeed=False).exit_code == 1


def test_results_are_written_with_the_machine(tmp_path: Path) -> None:
    harness.write_json(tmp_path / "new" / "x.json", {"dice": 0.99}, ["pytest", "no-such-package"])
    content = json.loads((tmp_path / "new" / "x.json").read_text())
    assert content["dice"] == 0.99
    assert content["machine"]["packages"].keys() == {"vesalius", "numpy", "pytest"}
    assert content["machine"]["cores"] >= 1


def test_an_unknown_benchmark_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["nonsense"]) == 2
    assert "no benchmark nonsense" in capsys.readouterr().err
