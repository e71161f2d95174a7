"""The graph: its weights lie in the safetensors file alone, and two runtimes get torch's values out of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino
import pytest
from safetensors import safe_open

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from vesalius import nets  # noqa: E402
from vesalius.errors import ModelFolderError  # noqa: E402
from vesalius.models.graph import read_places, trace, write_graph, write_tensors  # noqa: E402
from vesalius.models.store import run_graph  # noqa: E402


class Net(torch.nn.Module):
    """All that tempts an exporter to change weights: batch norm after a convolution, a shared and an unused part."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Conv3d(2, 6, (3, 1, 3), padding=(1, 0, 1))
        self.norm = torch.nn.BatchNorm3d(6)
        self.again = torch.nn.Conv3d(6, 6, 3, padding=1)
        self.same = self.again
        self.unused = torch.nn.Conv3d(6, 1, 1)
        self.up = torch.nn.ConvTranspose3d(6, 3, (1, 2, 2), (1, 2, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.norm(self.first(x)))
        x = self.same(self.again(torch.nn.functional.avg_pool3d(x, (1, 2, 2))))
        return self.up(x)


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    net = Net()
    net.norm.running_mean.uniform_(-1, 1)
    net.norm.running_var.uniform_(0.5, 2)
    return net.eval()


@pytest.fixture
def graph(net: Net, tmp_path: Path) -> Path:
    weights = tmp_path / "weights.safetensors"
    write_tensors({key: tensor.numpy() for key, tensor in nets.unique_tensors(net).items()}, weights)
    assert write_graph(trace(net, (1, 2, 8, 8, 8)), tmp_path / "graph.onnx", weights) == 0
    return tmp_path / "graph.onnx"


def test_places_are_where_safetensors_has_them(graph: Path) -> None:
    path = graph.with_name("weights.safetensors")
    data = path.read_bytes()
    with safe_open(path, "numpy") as tensors:
        places = read_places(path)
        assert {place.name for place in places} == set(tensors.keys())
        for place in places:
            assert data[place.offset : place.offset + place.length] == tensors.get_tensor(place.name).tobytes()


def test_weights_are_not_stored_twice(net: Net, graph: Path) -> None:
    initializers = onnx.load(graph, load_external_data=False).graph.initializer
    assert len(initializers) == 10, "three convolutions of two tensors each, and batch norm's four"
    assert all(tensor.data_location == onnx.TensorProto.EXTERNAL and not tensor.raw_data for tensor in initializers)
    assert graph.stat().st_size < 4096 < 4 * net.again.weight.numel() + 4096


@pytest.mark.parametrize("shape", [(1, 2, 8, 12, 6), (2, 2, 5, 4, 10)])
def test_both_runtimes_give_torchs_values_at_any_size(net: Net, graph: Path, shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(1).standard_normal(shape, np.float32)
    with torch.no_grad():
        expected = net(torch.from_numpy(image)).numpy()
    np.testing.assert_allclose(run_graph(graph, image), expected, atol=1e-5)
    session = onnxruntime.InferenceSession(graph)
    np.testing.assert_allclose(session.run(["output"], {"image": image})[0], expected, atol=1e-5)


def test_all_but_the_channels_is_free(graph: Path) -> None:
    model = openvino.Core().read_model(graph)
    (image,), (output,) = model.inputs, model.outputs
    assert [dim.is_dynamic for dim in image.get_partial_shape()] == [True, False, True, True, True]
    assert output.get_partial_shape()[1].get_length() == 3


def test_the_same_network_gives_the_same_bytes(net: Net, graph: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    tensors = {key: tensor.numpy() for key, tensor in nets.unique_tensors(net).items()}
    write_tensors(dict(reversed(tensors.items())), again / "weights.safetensors")
    write_graph(trace(net, (1, 2, 8, 8, 8)), again / "graph.onnx", again / "weights.safetensors")
    for name in ("weights.safetensors", "graph.onnx"):
        assert (again / name).read_bytes() == graph.with_name(name).read_bytes()


def test_weights_that_are_not_in_the_file_stay_in_the_graph(net: Net, tmp_path: Path) -> None:
    weights = tmp_path / "weights.safetensors"
    write_tensors({"first.weight": net.first.weight.detach().numpy()}, weights)
    inside = write_graph(trace(net, (1, 2, 8, 8, 8)), tmp_path / "graph.onnx", weights)
    used = [*net.first.parameters(), *net.norm.parameters(), *net.again.parameters(), *net.up.parameters()]
    statistics = 2 * 6
    assert inside == 4 * (sum(p.numel() for p in used) + statistics - net.first.weight.numel())


def test_what_onnx_cannot_say_is_an_error_of_ours() -> None:
    class Odd(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.special.bessel_j0(x)

    with pytest.raises(ModelFolderError, match="ONNX graph"):
        trace(Odd(), (1, 1, 4, 4, 4))
