"""``vesalius models``: what is shipped, and what is no model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from vesalius.cli import run
from vesalius.models.folder import open_model, shipped


def test_the_shipped_models_are_listed_also_without_a_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models"]) == 0
    alone = capsys.readouterr().out
    assert run(["models", "list"]) == 0
    assert capsys.readouterr().out == alone
    assert [line.split()[0] for line in alone.splitlines()] == shipped()
    assert run(["models", "list", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == shipped()


def test_a_model_says_what_it_is_and_where_it_comes_from(capsys: pytest.CaptureFixture[str]) -> None:
    spec = open_model("brain").spec
    assert run(["models", "show", "brain"]) == 0
    shown = capsys.readouterr().out
    assert spec.origin.licence in shown
    assert spec.version in shown
    assert run(["models", "show", "brain", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == spec.model_dump(mode="json")


def test_the_card_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "card", "brain"]) == 0
    assert capsys.readouterr().out.strip() == (open_model("brain").path / "README.md").read_text().strip()


def test_the_golden_cases_still_come_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "verify", "brain"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split()[:2] == ["network", "engine"]
    f32 = [row for row in rows if " f32 " in row]
    assert len(f32) == len(open_model("brain").networks)
    assert all(row.endswith("agrees") for row in f32)


def test_an_altered_model_is_not_verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    altered = tmp_path / "brain"
    shutil.copytree(open_model("brain").path, altered)
    weights = altered / open_model("brain").spec.network.weights
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert run(["models", "verify", str(altered)]) == 3
    assert weights.name in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["show", "verify", "card"])
def test_an_unknown_model_is_a_sentence(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", verb, "barin"]) == 2
    assert "brain" in capsys.readouterr().err


def test_importing_from_nowhere_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "import", str(tmp_path / "x.onnx"), "--out", str(tmp_path / "out")]) in {2, 3}
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_classifier_is_shown_verified_and_has_a_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("timm")
    from tiny_models import tiny_model

    folder = tiny_model(
        tmp_path / "m", "timm", {"name": "test_resnet"}, {0: "normal", 1: "pneumonia"}, task="classify",
        network={"planar": True, "grid": {"kind": "whole", "size": (32, 32, 1)}, "intensity": {"rule": "zscore"}},
        decision={"temperature": 1.5, "label": "pneumonia", "threshold": 0.4},
        scores=({"metric": "AUROC", "value": 0.97, "on": "270 pictures", "command": "vesalius evaluate m"},),
    )  # fmt: skip
    words = "the answer is pneumonia from a probability of 0.4 on"
    for verb in ("show", "card"):
        assert run(["models", verb, str(folder.path)]) == 0
        shown = capsys.readouterr().out
        assert words in shown
        assert "vesalius evaluate m" in shown
    assert run(["models", "verify", str(folder.path)]) == 0
    assert "agrees" in capsys.readouterr().out
