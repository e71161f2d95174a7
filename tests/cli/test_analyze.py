"""``vesalius analyze`` and ``vesalius demo``: what they hand to the analysis, and what they say afterwards."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from reports import report
from vesalius.cli import demo, run
from vesalius.cli.analyze import folders, summary
from vesalius.errors import MissingExtraError
from vesalius.results import Report

FILES = {"segmentation": "segmentation.nii.gz", "page": "report.html", "report": "report.json"}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """The analysis replaced by one that only notes its arguments."""
    noted: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def analyze(*arguments: Any, **options: Any) -> Report:
        noted.append((arguments, options))
        made = report()
        made.files |= FILES
        return made

    monkeypatch.setattr("vesalius.analysis.analyze", analyze)
    return noted


def test_arguments_reach_the_analysis(calls: list[Any], tmp_path: Path) -> None:
    options = ["--model", "m", "--engine", "torch", "--precision", "f16", "--device", "cuda", "--out", str(tmp_path)]
    assert run(["analyze", "head.nii.gz", *options]) == 0
    assert calls == [
        (
            ("head.nii.gz", "m"),
            {"out": tmp_path, "engine": "torch", "precision": "f16", "device": "cuda", "listener": None},
        )
    ]


def test_measurements_warnings_and_files_are_shown(
    calls: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["analyze", "head.nii.gz", "--out", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.split(r"  +", lines[0].strip()) == ["volume (ml)", "surface (cm²)", "diameters (mm)", "parts"]
    assert re.split(r"  +", lines[1]) == ["brain", "2.0", "0", "1 × 2 × 3", "1"]
    assert "Warning: the brain is small" in lines
    for kind, name in FILES.items():
        assert any(re.fullmatch(rf"{kind}: +{re.escape(str(tmp_path / name))}", line) for line in lines)


def test_scores_are_shown_with_the_threshold_and_the_answer() -> None:
    made = report()
    made.measurements, made.scores, made.answer = {}, {"normal": 0.25, "pneumonia": 0.75}, "pneumonia"
    made.thresholds = {"pneumonia": 0.4}
    lines = summary(made, Path("out")).splitlines()
    assert [line.split() for line in lines[:3]] == [
        ["probability", "threshold"], ["normal", "25.0%"], ["pneumonia", "75.0%", "40.0%"],
    ]  # fmt: skip
    assert lines[3] == "Answer: pneumonia"
    assert "volume" not in "".join(lines)


def test_what_is_found_in_a_picture_has_pixels() -> None:
    made = report()
    made.input = made.input.model_copy(update={"is_picture": True})
    flat = made.measurements["brain"].model_copy(update={"volume_ml": None, "surface_mm2": None, "share": 0.1234})
    made.measurements = {"vessels": flat.model_copy(update={"voxel_count": 4321, "components": 8})}
    lines = summary(made, Path("out")).splitlines()
    assert re.split(r"  +", lines[0].strip()) == ["pixels", "of the picture", "parts"]
    assert re.split(r"  +", lines[1]) == ["vessels", "4321", "12.34%", "8"]


def test_json_is_the_report_one_a_line_for_several(
    calls: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["analyze", "a.nii", "--json", "--out", str(tmp_path)]) == 0
    assert Report.model_validate(json.loads(capsys.readouterr().out)).measurements["brain"].volume_ml == 2
    assert run(["analyze", "a.nii", "b.nii", "--json", "--out", str(tmp_path)]) == 0
    assert [Report.model_validate_json(line).model.name for line in capsys.readouterr().out.splitlines()] == [
        "brain"
    ] * 2
    assert [options["out"] for _, options in calls] == [tmp_path, tmp_path / "a", tmp_path / "b"]


def test_every_scan_has_a_folder_of_its_own() -> None:
    scans = ["one/head.nii.gz", "two/head.nrrd", "three/head", "other.mha"]
    assert [folder.name for folder in folders(scans, Path("out"))] == ["head", "head-2", "head-3", "other"]
    assert folders(["one/head.nii.gz"], Path("out")) == [Path("out")]


def test_the_demo_analyses_the_mni152_and_names_the_page(
    calls: list[Any], mni152: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(url: str) -> bool:
        raise AssertionError(f"a browser was opened at {url}, with no terminal there")

    monkeypatch.setattr("webbrowser.open", refuse)
    assert run(["demo", "--out", str(tmp_path)]) == 0
    assert calls[0][0] == (mni152, "brain")
    assert calls[0][1]["out"] == tmp_path
    assert (tmp_path / "report.html").as_uri() in capsys.readouterr().out


def test_the_demo_without_its_scan_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install .*vesalius\[demo\]"):
        demo.scan_path()


@pytest.mark.slow
def test_a_head_becomes_a_measured_brain(colin27: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run(["analyze", str(colin27), "--out", str(out)]) == 0
    written = Report.model_validate_json((out / "report.json").read_text())
    mask = nib.load(out / "segmentation.nii.gz")
    np.testing.assert_allclose(mask.affine, nib.load(colin27).affine)
    volume = np.count_nonzero(np.asanyarray(mask.dataobj)) * abs(np.linalg.det(mask.affine[:3, :3])) / 1000
    assert written.measurements["brain"].volume_ml == pytest.approx(volume, rel=1e-6)
    assert f"{volume:.1f}" in capsys.readouterr().out
    assert {path.name for path in out.iterdir()} == set(written.files.values())
