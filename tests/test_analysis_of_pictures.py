"""Pictures through the whole analysis: classified and segmented, against torch, Pillow and nibabel."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import nibabel as nib
import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("timm")

import vesalius as vs  # noqa: E402
from tiny_models import tiny_model  # noqa: E402
from vesalius import nets  # noqa: E402
from vesalius.errors import UnsuitableScanError  # noqa: E402
from vesalius.io.report_json import report_schema  # noqa: E402
from vesalius.models.folder import ModelFolder  # noqa: E402
from vesalius.results import Report  # noqa: E402

COLOURS = ("red", "green", "blue")
COLUMNS, ROWS = 48, 32


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    return tiny_model(
        tmp_path_factory.mktemp("models") / "m", "timm", {"name": "test_resnet"}, {0: "normal", 1: "pneumonia"},
        task="classify", channels=("grey",), orientation="LPS",
        network={
            "planar": True, "grid": {"kind": "whole", "size": (32, 32, 1)},
            "intensity": {"rule": "window", "low": 0, "high": 255, "mean": 100, "deviation": 60},
        },
        decision={"temperature": 1.5, "label": "pneumonia", "threshold": 0.123},
    )  # fmt: skip


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    arguments = {"dims": 2, "channels": 3, "classes": 3, "width": 4, "depth": 2}
    return tiny_model(
        tmp_path_factory.mktemp("models") / "m", "residual-unet", arguments, {1: "vessels", 2: "disc"},
        task="segment", channels=COLOURS, orientation="LPS", seed=3,
        network={
            "planar": True, "grid": {"kind": "sliding", "patch": (COLUMNS, ROWS, 1)},
            "intensity": {"rule": "window", "low": 0, "high": 255, "mean": 100, "deviation": 60},
        },
    )  # fmt: skip


def pixels(*shape: int) -> np.ndarray:
    """(rows, columns[, 3]) without any symmetry."""
    image = np.random.default_rng(0).integers(60, 120, (ROWS, COLUMNS, *shape)).astype(np.uint8)
    image[: ROWS // 4] += 100
    image[:, : COLUMNS // 3] -= 50
    return image


def saved(array: np.ndarray, path: Path) -> Path:
    Image.fromarray(array).save(path)
    return path


@pytest.fixture(scope="module")
def radiograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(pixels(), tmp_path_factory.mktemp("pictures") / "x-ray.png")


@pytest.fixture(scope="module")
def classified(classifier: ModelFolder, radiograph: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("results") / "out"
    vs.analyze(radiograph, classifier.path, out=out, precision="f32", device="cpu")
    return out


def test_a_classification_writes_scores_picture_and_report(classified: Path) -> None:
    names = {path.name for path in classified.iterdir()}
    report = json.loads((classified / "report.json").read_text())
    assert names == {"scores.json", "scene.png", "report.html", "report.json"} == set(report["files"].values())
    jsonschema.Draft202012Validator(report_schema()).validate(report)
    assert report["scores"] == json.loads((classified / "scores.json").read_text())
    assert report["thresholds"] == {"pneumonia": 0.123}
    assert report["answer"] == "pneumonia"
    assert (report["measurements"], report["labels"], report["warnings"]) == ({}, {}, [])
    with Image.open(classified / "scene.png") as scene:
        assert scene.width / scene.height == pytest.approx(COLUMNS / ROWS, rel=0.01)


def test_the_page_shows_each_probability_as_a_bar_and_the_threshold_in_it(classified: Path) -> None:
    html = (classified / "report.html").read_text()
    scores = json.loads((classified / "scores.json").read_text())
    bars = [float(width) for width in re.findall(r'class="bar" style="width:([\d.]+)%"', html)]
    assert bars[:2] == pytest.approx([100 * score for score in scores.values()], abs=0.05)
    assert re.findall(r'class="threshold" style="left:([\d.]+)%"', html) == ["12.3"]
    assert "pneumonia (the answer)" in html
    assert "voxels" not in html.partition("<body>")[2]


def test_a_volume_gives_what_its_file_gives(classifier: ModelFolder, radiograph: Path, classified: Path) -> None:
    report = vs.analyze(vs.read(radiograph), classifier.path, precision="f32", device="cpu")
    assert report.scores == json.loads((classified / "scores.json").read_text())
    assert report.labelmap is None
    assert report.volume.shape == (1, COLUMNS, ROWS, 1)
    assert "measure" not in {stage.name for stage in report.stages}


@pytest.mark.parametrize("kind", ["three equal channels", "16 bits", "transparency"])
def test_the_same_picture_stored_otherwise_gets_the_same_scores_and_a_note(
    classifier: ModelFolder, classified: Path, tmp_path: Path, kind: str
) -> None:
    stored = {
        "three equal channels": np.repeat(pixels()[..., None], 3, axis=-1),
        "16 bits": pixels().astype(np.uint16) * 257,
        "transparency": np.stack([pixels(), np.full_like(pixels(), 128)], axis=-1),
    }
    report = vs.analyze(saved(stored[kind], tmp_path / "p.png"), classifier.path, precision="f32", device="cpu")
    assert report.scores == pytest.approx(json.loads((classified / "scores.json").read_text()), abs=1e-6)
    assert [warning.code for warning in report.warnings] == ["scan-note"]


@pytest.mark.parametrize(
    ("array", "model", "reason"),
    [
        (pixels(), "segmenter", "it is grey"),
        (pixels(3), "classifier", "this picture is in colour"),
    ],
)
def test_a_picture_of_the_wrong_kind_is_refused_and_leaves_nothing(
    array: np.ndarray, model: str, reason: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    scan = saved(array, tmp_path / "p.png")
    with pytest.raises(UnsuitableScanError, match=reason):
        vs.analyze(scan, request.getfixturevalue(model).path, out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == [scan]


@pytest.fixture(scope="module")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(pixels(3), tmp_path_factory.mktemp("pictures") / "eye.png")


@pytest.fixture(scope="module")
def segmented(
    segmenter: ModelFolder, photograph: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Report]:
    out = tmp_path_factory.mktemp("results") / "out"
    return out, vs.analyze(photograph, segmenter.path, out=out, precision="f32", device="cpu")


def test_labels_of_a_picture_are_where_torch_puts_them(segmenter: ModelFolder, segmented: tuple[Path, Report]) -> None:
    out, report = segmented
    network = segmenter.spec.network
    module = nets.load(network.net, network.arguments, segmenter.file(network.weights))
    image = torch.from_numpy((np.float32(pixels(3)) - 100) / 60).permute(2, 0, 1)[None]
    with torch.inference_mode():
        expected = module(image)[0].argmax(0).numpy()  # (rows, columns)
    assert len(np.unique(expected)) > 1
    np.testing.assert_array_equal(report.labelmap.voxels[..., 0], expected.T)
    with Image.open(out / "segmentation.png") as written:
        np.testing.assert_array_equal(np.asarray(written), expected)
    image = nib.load(out / "segmentation.nii.gz")
    np.testing.assert_array_equal(np.asanyarray(image.dataobj)[..., 0], expected.T)
    np.testing.assert_array_equal(image.affine, report.volume.geometry.affine)


def test_a_picture_has_shares_and_no_lengths_no_mesh_and_no_warning(segmented: tuple[Path, Report]) -> None:
    out, report = segmented
    assert {path.name for path in out.iterdir()} == set(report.files.values()) == {
        "segmentation.nii.gz", "segmentation.png", "scene.png", "report.html", "report.json",
    }  # fmt: skip
    assert report.warnings == []
    assert report.input.is_picture
    voxels = report.labelmap.voxels
    for value, label in report.labels.items():
        found, count = report.measurements[label.name], int((voxels == value).sum())
        assert found.voxel_count == count
        assert found.share == pytest.approx(count / (ROWS * COLUMNS))
        assert (found.volume_ml, found.surface_mm2, found.centre_mm, found.bounding_box_mm) == (None,) * 4
        assert found.diameters_mm == ()
    written = json.loads((out / "report.json").read_text())
    jsonschema.Draft202012Validator(report_schema()).validate(written)
    page = (out / "report.html").read_text().partition("<body>")[2]
    assert f"{COLUMNS} × {ROWS} pixels" in page
    assert "no length, area or volume" in page
    assert "Orientation" not in page
