"""The engine against MONAI's sliding window with the same weights."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch
from monai.inferers import sliding_window_inference

from vesalius import nets
from vesalius.engine.choose import EngineChoice
from vesalius.engine.progress import Progress, Silent
from vesalius.engine.run import NetworkRun, Region, run_network
from vesalius.engine.session import Session
from vesalius.errors import CancelledError, NotEnoughMemoryError, UsageError
from vesalius.models.folder import ModelFolder
from vesalius.models.spec import SlidingGrid, WholeGrid, ZScoreIntensity
from vesalius.volume import Geometry, IndexBox

F32 = EngineChoice(precision="f32", device="cpu")


def _run(folder: ModelFolder, scan: np.ndarray, choice: EngineChoice = F32, **kwargs) -> NetworkRun:
    shape = scan.shape[1:]
    geometry = kwargs.pop("geometry", Geometry.from_spacing(shape, (1, 1, 1)))
    progress = kwargs.pop("progress", Progress())
    region = Region(scan, geometry, IndexBox((0, 0, 0), shape))
    return run_network(Session(folder, choice), folder.spec.network, region, progress, "test")


def _module(folder: ModelFolder) -> torch.nn.Module:
    network = folder.spec.network
    return nets.load(network.net, network.arguments, folder.file(network.weights))


def _monai(folder: ModelFolder, scan: np.ndarray, patch: tuple[int, int, int], overlap: float, mode: str) -> np.ndarray:
    with torch.inference_mode():
        scores = sliding_window_inference(
            torch.from_numpy(scan)[None], patch, 1, _module(folder), overlap=overlap, mode=mode
        )
    return scores[0].numpy()


def _clear(scores: np.ndarray) -> np.ndarray:
    top = np.sort(scores, axis=0)
    return top[-1] - top[-2] > 1e-3


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime", "torch"])
def test_every_engine_gives_monais_labels_with_constant_blending(make_model, head_like, engine: str) -> None:
    folder = make_model(SlidingGrid(patch=(16, 24, 20), overlap=0.25, blend="constant"))
    expected = _monai(folder, head_like, (16, 24, 20), 0.25, "constant")
    clear = _clear(expected)

    run = _run(folder, head_like, EngineChoice(engine, "f32", "cpu"))

    assert run.info.engine == engine
    assert clear.mean() > 0.97
    np.testing.assert_array_equal(run.labels[clear], expected.argmax(axis=0)[clear])
    assert len(np.unique(run.labels)) > 1


def test_gaussian_blending_is_monais(make_model, head_like) -> None:
    folder = make_model(SlidingGrid(patch=(16, 16, 16), overlap=0.5))
    expected = _monai(folder, head_like, (16, 16, 16), 0.5, "gaussian")
    same = _run(folder, head_like).labels == expected.argmax(axis=0)
    assert same.mean() > 0.99  # MONAI cuts its Gaussian off, ours has a floor


def test_a_scan_smaller_than_the_tile_is_padded_as_monai_pads(make_model, head_like) -> None:
    small = np.ascontiguousarray(head_like[:, 10:21, 5:40, 8:23])
    folder = make_model(SlidingGrid(patch=(16, 24, 20), overlap=0.25, blend="constant"))
    expected = _monai(folder, small, (16, 24, 20), 0.25, "constant")
    clear = _clear(expected)
    np.testing.assert_array_equal(_run(folder, small).labels[clear], expected.argmax(axis=0)[clear])


def test_a_spacing_is_resampled_to_and_the_intensity_rule_applied(make_model, head_like) -> None:
    geometry = Geometry.from_spacing(head_like.shape[1:], (2.0, 1.0, 1.5))
    grid = SlidingGrid(patch=(16, 16, 16), overlap=0.25, spacing=(1.0, 2.0, 1.5), blend="constant")
    folder = make_model(grid, ZScoreIntensity())
    run = _run(folder, head_like * 700 + 300, geometry=geometry)
    assert run.grid.shape == (80, 26, 33)
    tensor = torch.nn.functional.interpolate(
        torch.from_numpy(head_like)[None], (80, 26, 33), mode="trilinear", align_corners=False
    )[0].numpy()
    tensor = (tensor - tensor.mean()) / tensor.std()
    expected = _monai(folder, tensor, (16, 16, 16), 0.25, "constant")
    clear = _clear(expected)
    np.testing.assert_array_equal(run.labels[clear], expected.argmax(axis=0)[clear])


def test_background_tiles_are_skipped_and_stay_background(make_model, head_like) -> None:
    folder = make_model(SlidingGrid(patch=(8, 8, 8), overlap=0.0, skip_at_most=0.0))
    run = _run(folder, head_like)
    assert 0 < run.skipped < run.tiles
    assert not run.labels[:, 40:48].any()
    everything = _run(make_model_again(folder, skip=None), head_like)
    touched = np.zeros(run.labels.shape, bool)
    for i in range(0, 40, 8):
        for j in range(0, 40, 8):
            for k in (0, 8, 16):
                box = (slice(i, i + 8), slice(j, j + 8), slice(k, k + 8))
                touched[box] = head_like[0][box].max() > 0
    np.testing.assert_array_equal(run.labels[touched], everything.labels[touched])


def make_model_again(folder: ModelFolder, skip: float | None) -> ModelFolder:
    """The same folder under a spec whose network skips other tiles."""
    grid = folder.spec.network.grid.model_copy(update={"skip_at_most": skip})
    network = folder.spec.network.model_copy(update={"grid": grid})
    return ModelFolder(folder.path, folder.spec.model_copy(update={"network": network}))


def test_one_channel_with_a_threshold(make_model, head_like) -> None:
    folder = make_model(SlidingGrid(patch=(16, 24, 20), overlap=0.25, blend="constant"), threshold=0.1, classes=1)
    expected = _monai(folder, head_like, (16, 24, 20), 0.25, "constant")[0]
    clear = np.abs(expected - 0.1) > 1e-3
    np.testing.assert_array_equal(_run(folder, head_like).labels[clear], (expected > 0.1)[clear])


def test_the_whole_grid_at_once(make_model, head_like) -> None:
    folder = make_model(WholeGrid(size=(24, 32, 16)))
    run = _run(folder, head_like)
    tensor = torch.nn.functional.interpolate(torch.from_numpy(head_like)[None], (24, 32, 16), mode="trilinear")
    with torch.inference_mode():
        expected = _module(folder)(tensor)[0].numpy()
    clear = _clear(expected)
    np.testing.assert_array_equal(run.labels[clear], expected.argmax(axis=0)[clear])
    assert run.grid.shape == (24, 32, 16)


def test_work_that_does_not_fit_is_refused_before_anything_runs(make_model, head_like, monkeypatch) -> None:
    folder = make_model(SlidingGrid(patch=(16, 16, 16)))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=-(2**40)))
    monkeypatch.setattr("vesalius.engine.backends.openvino.OpenVinoBackend.run", lambda *_: pytest.fail("it ran"))
    with pytest.raises(NotEnoughMemoryError, match="GiB"):
        _run(folder, head_like)


class Impatient(Silent):
    """Stops after three tiles."""

    def __init__(self) -> None:
        self.seen = 0

    def advanced(self, steps: int) -> None:
        self.seen += steps
        if self.seen == 3:
            raise CancelledError("stopped")


def test_a_listener_can_stop_the_work_between_two_tiles(make_model, head_like) -> None:
    listener = Impatient()
    with pytest.raises(CancelledError):
        _run(make_model(SlidingGrid(patch=(16, 16, 16))), head_like, progress=Progress(listener))
    assert listener.seen == 3


def test_stages_are_timed(make_model, head_like) -> None:
    progress = Progress()
    _run(make_model(SlidingGrid(patch=(16, 16, 16))), head_like, progress=progress)
    assert [stage.name for stage in progress.stages] == ["test: plan", "test: prepare", "test: network"]
    assert all(stage.seconds >= 0 for stage in progress.stages)


def test_what_an_engine_cannot_do_is_said(make_model, head_like) -> None:
    folder = make_model(SlidingGrid(patch=(16, 16, 16)))
    with pytest.raises(UsageError, match="does not run in bf16"):
        _run(folder, head_like, EngineChoice("onnxruntime", "bf16", "cpu"))
    network = folder.spec.network.model_copy(update={"net": None})
    foreign = ModelFolder(folder.path, folder.spec.model_copy(update={"network": network}))
    with pytest.raises(UsageError, match="graph only"):
        _run(foreign, head_like, EngineChoice("torch", "f32", "cpu"))
