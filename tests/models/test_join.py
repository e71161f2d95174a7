import numpy as np
import pytest

from tiny_models import tiny_model
from vesalius.analysis import verify
from vesalius.errors import ModelFolderError, OutputError
from vesalius.models.folder import open_model
from vesalius.models.golden import read_golden
from vesalius.models.join import join_models
from vesalius.models.network import load_network
from vesalius.models.spec import SlidingGrid

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

SIZE = {"dims": 3, "channels": 1, "classes": 2, "width": 4, "depth": 2}


def member(path, seed, mirror=(0,), **fields):
    """A stored model with random weights of ``seed``."""
    network = {"mirror": mirror, "grid": SlidingGrid(patch=(8, 8, 8))}
    tiny_model(path, "residual-unet", SIZE, {1: "part"}, seed=seed, task="segment", network=network, **fields)
    return path


def test_the_joined_model_gives_the_mean_of_the_members_probabilities(tmp_path):
    paths = [member(tmp_path / f"{seed}", seed) for seed in range(2)]

    join_models(paths, tmp_path / "both")

    both = open_model(tmp_path / "both")
    golden = read_golden(both, both.spec.network)
    image = torch.from_numpy(golden.input)
    alone = [load_network(open_model(path).spec.network, path / "network.safetensors") for path in paths]
    with torch.inference_mode():
        expected = torch.stack([network(image).softmax(1) for network in alone]).mean(0)
    given = torch.from_numpy(golden.output).softmax(1)
    torch.testing.assert_close(given, expected, atol=2e-3, rtol=0)  # the golden case is kept in half precision
    assert both.spec.scores == ()
    assert all(verdict.agrees for _, verdict in verify(tmp_path / "both") if verdict.info.precision == "f32")


def test_models_that_differ_in_more_than_weights_are_not_joined(tmp_path):
    first = member(tmp_path / "a", 0)
    with pytest.raises(ModelFolderError, match="their network differs in mirror"):
        join_models([first, member(tmp_path / "b", 1, mirror=())], tmp_path / "out")
    with pytest.raises(ModelFolderError, match="their description differs in orientation"):
        join_models([first, member(tmp_path / "c", 1, orientation="LPS")], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_one_model_is_not_joined_and_nothing_is_overwritten(tmp_path):
    first, second = member(tmp_path / "a", 0), member(tmp_path / "b", 1)
    with pytest.raises(ModelFolderError, match="two models at least"):
        join_models([first], tmp_path / "out")
    before = np.fromfile(first / "network.safetensors", np.uint8)
    with pytest.raises(OutputError, match="exists already"):
        join_models([first, second], first)
    assert (np.fromfile(first / "network.safetensors", np.uint8) == before).all()
