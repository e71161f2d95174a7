"""The files of an evaluation: complete, readable by others, there whole or not at all."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from PIL import Image

from known_models import mean_model
from labelled import noisy_cases, write_case
from vesalius import extras
from vesalius.engine.progress import Silent
from vesalius.errors import CancelledError, MissingExtraError, OutputError
from vesalius.train.evaluate.compare import read_evaluation
from vesalius.train.evaluate.run import evaluate


@pytest.fixture
def data(tmp_path):
    noisy_cases(tmp_path / "data", ["a", "b", "c"], noise=0.2)
    image, label = np.zeros((2, 12, 12, 8))
    image[2:5], label[2:5] = 1, 1
    write_case(tmp_path / "data", "front-only", image, label.astype(np.uint8))
    return tmp_path / "data"


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def pictures(path, counts):
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(len(counts)), counts)
    images = truth[:, None, None] * 0.7 + rng.normal(0, 0.5, (len(truth), 5, 6))
    np.savez(path, val_images=images.astype(np.float32), val_labels=truth[:, None].astype(np.uint8))
    return path


def drawn(path):
    """Whether a picture is there with more in it than a background."""
    with Image.open(path) as image:
        return len(image.convert("L").getcolors(256)) > 20


def test_a_segmentation_is_written_with_a_row_a_label_and_plots(segmenter, data, exact, tmp_path):
    out = tmp_path / "out"
    found = evaluate(segmenter, data, out=out, options=exact)
    assert {path.name for path in out.iterdir()} == {"evaluation.json", "table.csv", "dice.png", "volumes.png"}
    assert read_evaluation(out) == found
    table = rows(out / "table.csv")
    assert len(table) == 3 * 2 + 1
    assert [row["case"] for row in table] == [case.name for case in found.segmentation.cases for _ in case.labels]
    first = found.segmentation.cases[0].labels["front"]
    assert {name: float(table[0][name]) for name in first} == pytest.approx(dict(first))
    assert drawn(out / "dice.png")
    assert drawn(out / "volumes.png")


@pytest.mark.parametrize("counts", [(7, 5), (4, 5, 6), (6, 0)])
def test_a_classification_is_written_with_a_row_a_case_and_plots(tmp_path, exact, counts):
    names = ("none", "some", "much")[: len(counts)]
    model = mean_model(tmp_path / "model", names, (6, 5, 1)).path
    found = evaluate(model, pictures(tmp_path / "data.npz", counts), out=tmp_path / "out", options=exact)
    plots = {path.name for path in (tmp_path / "out").glob("*.png")}
    curves = set() if 0 in counts else {"curves.png"}
    assert plots == {"reliability.png", "confusion.png"} | curves
    assert all(drawn(tmp_path / "out" / name) for name in plots)
    table = rows(tmp_path / "out" / "table.csv")
    assert len(table) == sum(counts)
    for row, case in zip(table, found.classification.cases, strict=True):
        assert (row["case"], row["truth"], row["answer"]) == (case.name, case.truth, case.answer)
        assert float(row[f"probability {case.truth}"]) == pytest.approx(case.probabilities[case.truth])


class StopAt(Silent):
    def __init__(self, stage):
        self.stage = stage

    def started(self, stage, steps):
        if stage == self.stage:
            raise CancelledError("stopped")


@pytest.mark.parametrize("stage", ["open", "evaluate", "write"])
def test_stopping_leaves_nothing(segmenter, data, exact, tmp_path, stage):
    before = sorted(tmp_path.iterdir())
    with pytest.raises(CancelledError):
        evaluate(segmenter, data, out=tmp_path / "out", options=exact, listener=StopAt(stage))
    assert sorted(tmp_path.iterdir()) == before


def test_what_stands_in_the_way_of_writing_is_known_before_the_work(segmenter, data, exact, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        evaluate(segmenter, data, out=tmp_path / "file", options=exact, listener=StopAt("open"))

    def missing(name):
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(extras.importlib, "import_module", missing)
    with pytest.raises(MissingExtraError, match=r"vesalius\[train\]"):
        evaluate(segmenter, data, out=tmp_path / "out", options=exact)
    assert not (tmp_path / "out").exists()
