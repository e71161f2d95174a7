"""A finished training as a model folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tiny_trainings import checkpoint_of, classifying, segmenting, write_cases, write_pictures, write_recipe
from vesalius.analysis import verify
from vesalius.engine.choose import EngineChoice
from vesalius.engine.progress import Progress
from vesalius.engine.session import Session
from vesalius.models.folder import open_model
from vesalius.models.golden import read_golden
from vesalius.models.network import load_network
from vesalius.tasks.classify import classify
from vesalius.tasks.segment import probabilities, segment
from vesalius.train.batches import Batch
from vesalius.train.data import divide, open_dataset
from vesalius.train.export import _golden, model_spec, shipped
from vesalius.train.live import LiveBackend, LiveSession
from vesalius.train.network import make_network
from vesalius.train.run import train

EXACT = EngineChoice("openvino", "f32", "cpu")
PLANAR = {
    "network__planar": True,
    "network__arguments": {"dims": 2, "channels": 1, "classes": 2, "width": 4, "depth": 2},
    "data__grid": {"kind": "sliding", "patch": (8, 8, 1), "spacing": (1.0, 1.0, 1.0)},
}
SOLID = segmenting(mirror=(0, 2), training__steps=12)
FLAT = segmenting(**PLANAR, mirror=(1,), training__steps=12)


def live(recipe, out: Path) -> LiveSession:
    """The network as the training left it, with what the finished model does around it."""
    network, _ = make_network(recipe, out)
    network.load_state_dict(checkpoint_of(out).parts["average"])
    classes = len(recipe.labels) + (recipe.task == "segment")
    backend = LiveBackend(shipped(network.eval(), recipe), classes, torch.device("cpu"), reduced=False)
    return LiveSession(model_spec(recipe), backend)


@pytest.mark.parametrize("recipe", [SOLID, FLAT], ids=["3D, two flips", "2D, one flip"])
def test_a_segmenter_gives_what_the_network_in_training_gave(tmp_path, recipe):
    data = write_cases(tmp_path / "data")
    out = train(write_recipe(recipe, tmp_path / "r.toml"), data, tmp_path / "model").folder

    folder = open_model(out)
    folder.verify()
    assert all(verdict.agrees for _, verdict in verify(out, EXACT))
    volume = open_dataset(data).cases[0].volume()
    finished, training = Session(folder, EXACT), live(recipe, out)
    expected = probabilities(training, volume, Progress())
    assert np.abs(probabilities(finished, volume, Progress()) - expected).max() < 2e-3
    labels = segment(training, volume, Progress()).labelmap.voxels
    assert 0 < (labels == 1).mean() < 1
    assert (segment(finished, volume, Progress()).labelmap.voxels == labels).mean() > 0.995


def test_the_score_of_the_card_is_that_of_the_model_with_its_flips(tmp_path):
    data = write_cases(tmp_path / "data")
    outcome = train(write_recipe(SOLID, tmp_path / "r.toml"), data, tmp_path / "model")
    session = live(SOLID, outcome.folder)
    found = []
    for case in divide(open_dataset(data), SOLID.data).validation:
        said, truth = segment(session, case.volume(), Progress()).labelmap.voxels == 1, case.labelmap().voxels == 1
        found.append(2 * (said & truth).sum() / (said.sum() + truth.sum()))
    assert outcome.result.score.value == pytest.approx(np.mean(found))
    spec = open_model(outcome.folder).spec
    assert {score.metric: score.value for score in spec.scores} == {
        name: pytest.approx(np.mean(found), abs=6e-5) for name in ("dice", "blob")
    }
    assert spec.scores[0].on == "2 validation cases"
    assert spec.scores[0].command == "vesalius evaluate tiny --data DATA --fold 0/3 --seed 0 --out DIR"
    assert "fold 0 of 3" in spec.origin.split


def test_a_classifier_comes_with_its_temperature_and_threshold(tmp_path):
    data, recipe = write_pictures(tmp_path / "data"), classifying(mirror=(0,), training__steps=4)
    out = train(write_recipe(recipe, tmp_path / "r.toml"), data, tmp_path / "model").folder

    folder = open_model(out)
    assert all(verdict.agrees for _, verdict in verify(out, EXACT))
    assert folder.spec.decision.label == "light"
    for case in open_dataset(data).cases[:3]:
        found = classify(Session(folder, EXACT), case.volume(), Progress()).run.scores
        expected = classify(live(recipe, out), case.volume(), Progress()).run.scores
        assert np.abs(found - expected).max() < 0.01 * max(1, np.abs(expected).max())


def test_the_golden_case_is_a_prepared_patch_and_what_torch_gives_for_it(tmp_path):
    recipe = segmenting(mirror=(0,), training__steps=1)
    out = train(write_recipe(recipe, tmp_path / "r.toml"), write_cases(tmp_path / "data"), tmp_path / "model").folder
    folder = open_model(out)
    golden = read_golden(folder, folder.spec.network)
    assert golden.input.shape == (1, 1, 8, 8, 8)
    module = load_network(folder.spec.network, folder.file(folder.spec.network.weights))
    with torch.inference_mode():
        output = module(torch.from_numpy(golden.input)).numpy()
    assert np.abs(output - golden.output).max() < 1e-3
    assert golden.input.std() > 0.3


@pytest.mark.parametrize(
    ("patch", "kept"),
    [((40, 56, 40), (40, 56, 40)), ((128, 128, 128), (32, 64, 64)), ((256, 256, 1), (256, 256, 1))],
)
def test_a_large_golden_case_is_cut_to_what_every_network_takes(patch, kept):
    batch = Batch(torch.randn(2, 1, *patch), torch.zeros(2, *patch, dtype=torch.uint8))
    shape = _golden(torch.nn.Identity(), batch, whole=False).input.shape[2:]
    assert sorted(shape) == sorted(kept)
    assert _golden(torch.nn.Identity(), batch, whole=True).input.shape[2:] == patch
    whole = Batch(batch.images, torch.zeros(2, dtype=torch.int64))  # of a classifier, which sees all or nothing
    assert _golden(torch.nn.Identity(), whole, whole=False).input.shape[2:] == patch
