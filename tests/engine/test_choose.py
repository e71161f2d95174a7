"""Arithmetic below f32 is used only where the golden case allows it."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from vesalius.engine import choose
from vesalius.engine.backend import BackendInfo
from vesalius.engine.cache import cache_folder, recall, remember
from vesalius.engine.choose import EngineChoice, judge, open_backend
from vesalius.errors import UsageError
from vesalius.models.spec import SlidingGrid

GRID = SlidingGrid(patch=(16, 16, 16))
SHAPE = (1, 1, 16, 16, 16)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime", "torch"])
def test_f32_agrees_with_the_golden_case_on_every_engine(make_model, engine: str) -> None:
    folder = make_model(GRID)
    verdict = judge(folder, folder.spec.network, BackendInfo(engine, "f32", "cpu"))
    assert verdict.agrees
    assert verdict.difference < 1e-3


def test_a_wrong_golden_case_is_noticed(make_model) -> None:
    folder = make_model(GRID)
    path = folder.path / "golden" / "net.safetensors"
    tensors = {k: v.copy() for k, v in load_file(path).items()}
    tensors["output"] = tensors["output"][:, :, ::-1].copy()
    save_file(tensors, path)
    verdict = judge(folder, folder.spec.network, BackendInfo("openvino", "f32", "cpu"))
    assert not verdict.agrees


@pytest.mark.parametrize(("agrees", "chosen"), [(True, "bf16"), (False, "f32")])
def test_auto_takes_bf16_exactly_where_the_golden_case_agrees(make_model, monkeypatch, agrees, chosen) -> None:
    folder = make_model(GRID)
    monkeypatch.setattr(choose, "_fast_precisions", lambda *_: ("bf16",))
    real, asked = choose.judge, []

    def counted(folder, network, info):
        asked.append(info.precision)
        return (
            choose.GoldenVerdict(info, 0.0, float(agrees), agrees)
            if info.precision == "bf16"
            else real(folder, network, info)
        )

    monkeypatch.setattr(choose, "judge", counted)
    for _ in range(2):
        backend = open_backend(folder, folder.spec.network, SHAPE, EngineChoice(device="cpu"))
        assert backend.info.precision == chosen
    assert asked == ["bf16"]  # the second time the verdict was remembered


def test_a_gpu_that_is_not_there_is_an_error_only_when_asked_for(make_model, monkeypatch) -> None:
    folder = make_model(GRID)
    monkeypatch.setattr(choose, "cuda_present", lambda: False)
    backend = open_backend(folder, folder.spec.network, SHAPE, EngineChoice(precision="f32"))
    assert backend.info == BackendInfo("openvino", "f32", "cpu")
    with pytest.raises(UsageError, match="no NVIDIA GPU"):
        open_backend(folder, folder.spec.network, SHAPE, EngineChoice(device="cuda"))


def test_the_cache_forgets_nothing_and_forgives_everything() -> None:
    remember("verdicts.json", "a", 1.0)
    remember("verdicts.json", "b", 0.0)
    assert (recall("verdicts.json", "a"), recall("verdicts.json", "b"), recall("verdicts.json", "c")) == (
        1.0,
        0.0,
        None,
    )
    (cache_folder() / "verdicts.json").write_text("{ not json")
    assert recall("verdicts.json", "a") is None
    remember("verdicts.json", "a", 2.0)
    assert recall("verdicts.json", "a") == 2.0


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "file" / "below"))
    remember("verdicts.json", "a", 1.0)
    assert recall("verdicts.json", "a") is None


def test_backends_say_how_many_classes_they_give(make_model) -> None:
    folder = make_model(GRID)
    for engine in ("openvino", "onnxruntime", "torch"):
        backend = open_backend(folder, folder.spec.network, SHAPE, EngineChoice(engine, "f32", "cpu"))
        assert backend.classes == 4
        assert backend.run(np.zeros(SHAPE, np.float32)).shape == (1, 4, 16, 16, 16)
        assert backend.memory_bytes() > 4 * 4 * 16**3
