"""The shipped model `brain`: its files agree with each other, with its networks, and with deepbet."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from vesalius.models.card import render
from vesalius.models.folder import open_model
from vesalius.models.golden import read_golden
from vesalius.models.store import run_graph

FOLDER = open_model("brain")
NETWORKS = FOLDER.networks


def test_every_file_is_there_and_unaltered() -> None:
    FOLDER.verify()


def test_the_card_is_the_one_that_model_json_gives() -> None:
    assert FOLDER.file("README.md").read_text(encoding="utf-8") == render(FOLDER.spec)


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.weights)
def test_openvino_gives_the_golden_output(network: object) -> None:
    golden = read_golden(FOLDER, network)
    output = run_graph(FOLDER.file(network.graph), golden.input)
    assert np.abs(output - golden.output).max() <= network.tolerance
    assert ((output[:, 1] > 0.5) == (golden.output[:, 1] > 0.5)).mean() > 0.9999


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.weights)
def test_onnx_runtime_gives_the_golden_output(network: object) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    golden = read_golden(FOLDER, network)
    session = onnxruntime.InferenceSession(FOLDER.file(network.graph))
    output = session.run(None, {"image": golden.input})[0]
    assert np.abs(output - golden.output).max() <= network.tolerance / 10


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.weights)
def test_torch_gives_the_golden_output(network: object) -> None:
    torch = pytest.importorskip("torch")
    from vesalius import nets

    golden = read_golden(FOLDER, network)
    module = nets.load(network.net, network.arguments, FOLDER.file(network.weights))
    with torch.no_grad():
        output = module(torch.from_numpy(golden.input)).numpy()
    np.testing.assert_allclose(output, golden.output, atol=5e-4, rtol=0)  # half precision near 1


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.weights)
def test_the_golden_case_shows_exchanged_axes_and_a_brain(network: object) -> None:
    golden = read_golden(FOLDER, network)
    assert len(set(golden.input.shape[2:])) == 3
    assert 0.1 < (golden.output[:, 1] > 0.5).mean() < 0.5


@pytest.mark.parametrize(("network", "file"), list(zip(NETWORKS, ("model.pt", "bbox_model.pt"), strict=True)))
def test_weights_are_those_that_deepbet_publishes(network: object, file: str) -> None:
    torch = pytest.importorskip("torch")
    package = importlib.util.find_spec("deepbet")
    if package is None or package.origin is None:
        pytest.skip("deepbet is not installed")
    from safetensors.torch import load_file

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        published = torch.jit.load(Path(package.origin).parents[1] / "data" / "models" / file).state_dict()
    ours = load_file(FOLDER.file(network.weights))
    assert ours.keys() == published.keys()
    assert all(torch.equal(ours[key], published[key]) for key in ours)


def test_the_reference_shape_is_the_brains_in_ras(mni152: Path) -> None:
    """MNI152's head is skull-stripped: its own non-zero voxels are a brain, seen without any network."""
    image = nib.as_closest_canonical(nib.load(mni152))
    index = np.argwhere(np.asanyarray(image.dataobj) > 0)
    shape = FOLDER.reference_shape(FOLDER.spec.plausibility["brain"])
    assert shape is not None
    edges = 1.6 * len(index) ** (1 / 3) * (np.arange(len(shape) + 1) / len(shape) - 0.5)
    inside, _ = np.histogramdd(index - index.mean(axis=0), bins=(edges, edges, edges))
    filled = inside / np.diff(edges)[0] ** 3

    def fit(other: np.ndarray) -> float:
        return float(np.corrcoef(shape.ravel(), other.ravel())[0, 1])

    assert fit(filled) > 0.9
    assert fit(filled) > fit(filled[:, ::-1]) + 0.02
    assert fit(filled) > fit(filled[:, :, ::-1]) + 0.05
