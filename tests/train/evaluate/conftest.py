"""A model that rounds and one that takes the mean, with small data to evaluate them on."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
from known_models import mean_model, rounding_model
from vesalius.engine.choose import EngineChoice
from vesalius.models.spec import Decision
from vesalius.train.evaluate.run import Options

EXACT = EngineChoice("openvino", "f32", "cpu")


@pytest.fixture(scope="session")
def exact() -> Options:
    return Options(EXACT)


@pytest.fixture(scope="session")
def segmenter(tmp_path_factory) -> Path:
    return rounding_model(tmp_path_factory.mktemp("models") / "segmenter", ("front", "back"), (12, 12, 8)).path


@pytest.fixture(scope="session")
def classifier(tmp_path_factory) -> Path:
    decision = Decision(temperature=0.1, label="ill", threshold=0.4)
    return mean_model(tmp_path_factory.mktemp("models") / "classifier", ("well", "ill"), (6, 5, 1), decision).path
