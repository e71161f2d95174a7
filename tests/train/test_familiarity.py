"""A tiny autoencoder is trained on textures of one kind, given to a model, and its report flags others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from tiny_models import tiny_model
from vesalius import nets
from vesalius.analysis import analyze, verify
from vesalius.errors import DatasetError, RecipeError
from vesalius.models.folder import ModelFolder, open_model
from vesalius.models.graph import write_tensors
from vesalius.results import Labelmap
from vesalius.train.data.case import SplitName
from vesalius.train.familiarity import attach_familiarity
from vesalius.train.recipe import Recipe
from vesalius.volume import Geometry, Volume

SHAPE = (16, 16, 16)
ARGUMENTS = {"dims": 3, "channels": 1, "width": 8, "depth": 2}
GRID = {"kind": "sliding", "patch": SHAPE}


def _texture(seed: int, deviation: float = 3.0) -> np.ndarray:
    """(16, 16, 16): what is usual is smooth."""
    noise = np.random.default_rng(seed).normal(size=SHAPE)
    return np.asarray(gaussian_filter(noise, deviation, mode="wrap") * 1000 + 300, np.float32)


def _recipe(**changes) -> Recipe:
    fields = {
        "name": "restore", "task": "reconstruct", "data": {"grid": GRID, "intensity": {"rule": "zscore"}},
        "network": {"net": "autoencoder", "arguments": ARGUMENTS}, "loss": {"terms": {"mse": 1.0}},
        "training": {"steps": 1, "batch": 1}, "origin": {"data": "none", "licence": "none"},
    }  # fmt: skip
    return Recipe.model_validate(fields | changes)


@dataclass(frozen=True)
class Texture:
    """A case without labels."""

    seed: int
    split: SplitName = "validation"
    target: int | None = None

    @property
    def name(self) -> str:
        return f"texture {self.seed}"

    @property
    def patient(self) -> str:
        return self.name

    def volume(self) -> Volume:
        return Volume(_texture(self.seed)[None], Geometry.from_spacing(SHAPE, (1, 1, 1)))

    def labelmap(self) -> Labelmap | None:
        return None


def _cases(count: int) -> list[Texture]:
    return [Texture(seed) for seed in range(100, 100 + count)]


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """Of an autoencoder after 60 steps."""
    torch.manual_seed(0)
    network = nets.build("autoencoder", ARGUMENTS).train()
    textures = np.stack([_texture(seed) for seed in range(24)])[:, None]
    images = torch.from_numpy(
        (textures - textures.mean((2, 3, 4), keepdims=True)) / textures.std((2, 3, 4), keepdims=True)
    )
    optimiser = torch.optim.AdamW(network.parameters(), 5e-3)
    for step in range(60):
        batch = images[torch.arange(8) + 8 * (step % 3)]
        optimiser.zero_grad()
        (network(batch) - batch).square().mean().backward()
        optimiser.step()
    path = tmp_path_factory.mktemp("autoencoder") / "network.safetensors"
    write_tensors({name: tensor.numpy() for name, tensor in nets.unique_tensors(network).items()}, path)
    return path


@pytest.fixture
def model(tmp_path: Path) -> ModelFolder:
    """Any segmentation model."""
    arguments = {"dims": 3, "channels": 1, "classes": 2, "width": 4, "depth": 2}
    return tiny_model(
        tmp_path / "model", "residual-unet", arguments, {1: "part"}, task="segment",
        network={"grid": GRID, "intensity": {"rule": "zscore"}},
    )  # fmt: skip


def _codes(folder: Path, voxels: np.ndarray) -> set[str]:
    scan = Volume(np.asarray(voxels, np.float32)[None], Geometry.from_spacing(voxels.shape, (1, 1, 1)))
    return {warning.code for warning in analyze(scan, folder).warnings}


@pytest.mark.slow
def test_a_scan_of_another_kind_is_flagged_and_those_of_the_same_are_not(weights, model) -> None:
    attach_familiarity(model.path, weights, _recipe(), _cases(30))
    noise = np.random.default_rng(0).normal(size=SHAPE)
    stripes = np.broadcast_to((np.arange(16) % 4 < 2)[:, None, None], SHAPE)
    for other in (_texture(1) + 60 * noise, _texture(1, deviation=0.8), stripes * 500.0):
        assert "unlike-training" in _codes(model.path, other)
    usual = [_codes(model.path, _texture(seed)) for seed in range(200, 206)]
    assert sum("unlike-training" in codes for codes in usual) <= 1
    assert "unlike-training" not in _codes(model.path, _texture(300) * 5 - 80)  # brightness is no pattern


@pytest.mark.slow
def test_the_model_folder_stays_whole_and_tells_what_it_measured(weights, model) -> None:
    before = model.spec
    attach_familiarity(model.path, weights, _recipe(), _cases(12))
    folder = open_model(model.path)
    folder.verify()
    known = folder.spec.familiarity
    assert folder.spec.model_copy(update={"familiarity": None}) == before
    assert 0 < known.usual < known.limit < 1
    assert known.cases == 12
    assert [name for name, _ in verify(model.path)][-1] == "familiarity.safetensors"
    assert all(verdict.agrees for _, verdict in verify(model.path) if verdict.info.precision == "f32")
    assert f"exceeds {known.limit:g}" in (model.path / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"orientation": "LPS"}, "orientation"),
        ({"channels": ("a", "b")}, "channels"),
        ({"task": "segment", "labels": {1: {"name": "part", "colour": "#112233"}}}, "task"),
        ({"data": {"grid": GRID | {"skip_at_most": 0.0}}}, "skip_at_most"),
    ],
)
def test_an_autoencoder_that_sees_scans_differently_is_refused(model, changes, what: str) -> None:
    with pytest.raises(RecipeError, match=what):
        attach_familiarity(model.path, Path("never read"), _recipe(**changes), _cases(2))


def test_without_held_out_cases_there_is_nothing_to_measure_by(model) -> None:
    with pytest.raises(DatasetError, match="held out"):
        attach_familiarity(model.path, Path("never read"), _recipe(), [])
    assert open_model(model.path).spec.familiarity is None
