"""Scores and probabilities of all classes, against MONAI's sliding window and softmax with the same weights."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.inferers import sliding_window_inference
from scipy.special import expit, softmax

from vesalius import nets
from vesalius.engine.accumulate import BlendedScores, argmax, blended_bytes
from vesalius.engine.choose import EngineChoice
from vesalius.engine.memory import resident_bytes
from vesalius.engine.plan import plan_run
from vesalius.engine.progress import Progress
from vesalius.engine.region import Region
from vesalius.engine.run import DenseRun, run_dense, run_network, run_probabilities
from vesalius.engine.session import Session
from vesalius.engine.tiles import Tiling, importance
from vesalius.errors import NotEnoughMemoryError
from vesalius.models.folder import ModelFolder
from vesalius.models.spec import SlidingGrid, WholeGrid, ZScoreIntensity
from vesalius.volume import Geometry, Volume

F32 = EngineChoice(precision="f32", device="cpu")
SHAPES = st.tuples(*(st.integers(3, 17),) * 3)
PATCHES = st.tuples(*(st.integers(2, 9),) * 3)


def _region(scan: np.ndarray, spacing: tuple[float, float, float] = (1, 1, 1)) -> Region:
    return Region.whole(Volume(scan, Geometry.from_spacing(scan.shape[1:], spacing)))


def _probabilities(folder: ModelFolder, region: Region) -> DenseRun:
    return run_probabilities(Session(folder, F32), folder.spec.network, region, Progress(), "test")


def _monai(folder: ModelFolder, tensor: np.ndarray, patch: tuple[int, int, int], overlap: float) -> np.ndarray:
    network = folder.spec.network
    module = nets.load(network.net, network.arguments, folder.file(network.weights))
    with torch.inference_mode():
        image = torch.from_numpy(np.ascontiguousarray(tensor, np.float32))[None]
        return sliding_window_inference(image, patch, 1, module, overlap=overlap, mode="constant")[0].numpy()


@settings(deadline=None, max_examples=40)
@given(SHAPES, PATCHES, st.sampled_from([0.0, 0.3, 0.6]), st.integers(1, 4), st.booleans(), st.randoms())
def test_blended_scores_are_weighted_means(shape, patch, overlap, classes, gaussian, random) -> None:
    blend = "gaussian" if gaussian else "constant"
    tiling, rng = Tiling.cover(shape, patch, overlap), np.random.default_rng(random.randrange(2**32))
    sums, weights = np.zeros((classes, *(n + 20 for n in shape))), np.zeros([n + 20 for n in shape])
    blended = BlendedScores(tiling, classes, blend)
    for place in np.ndindex(*(len(axis) for axis in tiling.starts)):
        if rng.random() < 0.3:
            continue  # a background tile that was skipped
        scores = rng.normal(size=(classes, *patch)).astype(np.float32)
        blended.add(scores, place)
        box = tuple(
            slice(axis[n] + 10, axis[n] + 10 + p) for axis, n, p in zip(tiling.starts, place, patch, strict=True)
        )
        sums[(slice(None), *box)] += scores * importance(patch, blend)
        weights[box] += importance(patch, blend)
    inside = tuple(slice(10, 10 + n) for n in shape)
    values, covered = blended.blended()
    np.testing.assert_array_equal(covered, weights[inside] > 0)
    expected = sums[(slice(None), *inside)] / np.maximum(weights[inside], 1e-9)
    np.testing.assert_allclose(values, expected, atol=1e-4)


def test_probabilities_are_the_softmax_of_monais_blended_scores(make_model, head_like) -> None:
    grid = SlidingGrid(patch=(16, 24, 20), overlap=0.25, spacing=(1.0, 2.0, 1.5), blend="constant")
    folder = make_model(grid, ZScoreIntensity())
    run = _probabilities(folder, _region(head_like * 700 + 300, (2.0, 1.0, 1.5)))
    tensor = torch.nn.functional.interpolate(
        torch.from_numpy(head_like)[None], (80, 26, 33), mode="trilinear", align_corners=False
    )[0].numpy()
    tensor = (tensor - tensor.mean()) / tensor.std()
    expected = softmax(_monai(folder, tensor, (16, 24, 20), 0.25), axis=0)
    assert run.values.dtype == np.float32
    assert run.grid.shape == (80, 26, 33)
    np.testing.assert_allclose(run.values, expected, atol=2e-3)
    np.testing.assert_allclose(run.seen.image(), tensor, atol=1e-4)


@pytest.mark.parametrize("grid", [SlidingGrid(patch=(16, 16, 16)), WholeGrid(size=(24, 32, 16))])
@pytest.mark.parametrize("classes", [2, 4])
def test_the_most_probable_class_is_the_label(make_model, head_like, grid, classes: int) -> None:
    folder, region = make_model(grid, classes=classes), _region(head_like)
    session, network = Session(folder, F32), folder.spec.network
    labels = run_network(session, network, region, Progress(), "test").labels  # of two classes the network decides
    run = run_probabilities(session, network, region, Progress(), "test")
    np.testing.assert_allclose(run.values.sum(0), 1, atol=1e-5)
    top = np.sort(run.values, axis=0)
    clear = top[-1] - top[-2] > 1e-4
    assert clear.mean() > 0.99
    np.testing.assert_array_equal(run.values.argmax(0)[clear], labels[clear])
    decided = run.decided()
    np.testing.assert_array_equal(decided.labels, argmax(run.values))
    assert (decided.grid, decided.tiles, decided.skipped) == (run.grid, run.tiles, run.skipped)
    again = run_network(session, network, region, Progress(), "test").labels
    np.testing.assert_array_equal(again[clear], labels[clear])


@pytest.mark.parametrize("grid", [SlidingGrid(patch=(16, 24, 20), blend="constant"), WholeGrid(size=(40, 56, 36))])
def test_one_channel_gives_the_logistic_of_what_exceeds_its_threshold(make_model, head_like, grid) -> None:
    folder = make_model(grid, threshold=0.1, classes=1)
    region = _region(head_like)
    scan = head_like
    if grid.kind == "whole":
        scan = torch.nn.functional.interpolate(torch.from_numpy(head_like)[None], grid.size, mode="trilinear")[0]
    patch, overlap = (grid.patch, grid.overlap) if grid.kind == "sliding" else (grid.size, 0.0)
    expected = expit(_monai(folder, scan, patch, overlap)[0] - 0.1)
    run = _probabilities(folder, region)
    np.testing.assert_allclose(run.values[1], expected, atol=2e-3)
    np.testing.assert_allclose(run.values[0], 1 - run.values[1], atol=1e-6)


def test_background_is_certain_where_every_tile_was_skipped(make_model, head_like) -> None:
    folder = make_model(SlidingGrid(patch=(8, 8, 8), overlap=0.0, skip_at_most=0.0))
    run = _probabilities(folder, _region(head_like))
    assert run.skipped > 0
    assert not run.covered[:, 40:48].any()
    assert run.covered.any()
    assert (run.values[0, ~run.covered] == 1).all()
    np.testing.assert_allclose(run.values.sum(0), 1, atol=1e-5)


def test_values_that_are_no_scores_come_out_as_they_are(make_model, head_like) -> None:
    folder = make_model(SlidingGrid(patch=(16, 24, 20), overlap=0.25, blend="constant"), classes=1)
    run = run_dense(Session(folder, F32), folder.spec.network, _region(head_like), Progress(), "test")
    np.testing.assert_allclose(run.values, _monai(folder, head_like, (16, 24, 20), 0.25), atol=5e-3)


def test_all_classes_of_all_voxels_are_in_the_plan_and_refused_before_anything_runs(
    make_model, head_like, monkeypatch
) -> None:
    folder, region = make_model(SlidingGrid(patch=(16, 16, 16))), _region(head_like)
    session, network = Session(folder, F32), folder.spec.network
    big = Geometry.from_spacing((1500, 1500, 400), (1, 1, 1))
    backend = session.backend(network, "scores")
    room = SimpleNamespace(available=2**40)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: room)
    plan = plan_run(network, big, 1, backend, "scores")
    assert plan.memory_bytes > resident_bytes() + 4 * 4 * 1500 * 1500 * 400
    assert plan_run(network, big, 1, backend, "labels").memory_bytes < plan.memory_bytes / 2
    assert blended_bytes(plan.tiling, 4) >= 4 * 4 * 1500 * 1500 * 400

    room.available = -(2**40)
    monkeypatch.setattr("vesalius.engine.backends.openvino.OpenVinoBackend.run", lambda *_: pytest.fail("it ran"))
    with pytest.raises(NotEnoughMemoryError, match="4 scores a voxel"):
        run_probabilities(session, network, region, Progress(), "test")
