"""ONNX files, written by torch's own exporters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from vesalius.errors import ModelFolderError, OutputError, UsageError  # noqa: E402
from vesalius.models.folder import open_model  # noqa: E402
from vesalius.models.importers import import_model  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # torch's about its own exporters


class Net(torch.nn.Module):
    """Every axis has its own kernel, so that exchanged axes show; a side output, as deep supervision has."""

    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.first = torch.nn.Conv3d(2, 4, (5, 3, 1), padding=(2, 1, 0))
        self.norm = torch.nn.InstanceNorm3d(4, affine=True)
        self.down = torch.nn.Conv3d(4, 8, (1, 3, 2), stride=(1, 1, 2), padding=(0, 1, 0))
        self.up = torch.nn.ConvTranspose3d(8, classes, (1, 1, 2), stride=(1, 1, 2))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        low = self.down(torch.relu(self.norm(self.first(x))))
        return self.up(low), low


SHAPE = (1, 2, 8, 12, 16)


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    return Net().eval()


def export(net: torch.nn.Module, path: Path, **options: Any) -> Path:
    torch.onnx.export(net, (torch.zeros(SHAPE),), path, **{"dynamo": False, "opset_version": 17, **options})
    return path


def image(shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def imported_output(path: Path, voxels: np.ndarray) -> np.ndarray:
    folder = open_model(path)
    session = onnxruntime.InferenceSession(folder.file(folder.spec.network.graph))
    (output,) = session.run(None, {session.get_inputs()[0].name: voxels})
    return np.asarray(output)


def test_a_fixed_size_is_kept_and_values_are_the_sources(net: Net, tmp_path: Path) -> None:
    source = export(net, tmp_path / "net.onnx")
    summary = import_model(source, tmp_path / "ours")
    with torch.no_grad():
        expected = net(torch.from_numpy(image()))[0].numpy()
    np.testing.assert_allclose(imported_output(tmp_path / "ours", image()), expected, atol=1e-5)
    spec = open_model(tmp_path / "ours").spec
    assert spec.network.grid.kind == "sliding"
    assert spec.network.grid.patch == SHAPE[2:]
    assert spec.channels == ("image 1", "image 2")
    assert sorted(spec.labels) == [1, 2]
    assert summary.ran == ()
    assert "intensity" in summary.notes[0]


@pytest.mark.parametrize("dynamo", [False, True])
def test_free_sizes_stay_free(net: Net, tmp_path: Path, dynamo: bool) -> None:
    if dynamo:
        pytest.importorskip("onnxscript")
        dim = torch.export.Dim.DYNAMIC
        options: dict[str, Any] = {"dynamo": True, "opset_version": 18, "dynamic_shapes": ({2: dim, 3: dim, 4: dim},)}
    else:
        options = {"input_names": ["x"], "dynamic_axes": {"x": {0: "n", 2: "a", 3: "b", 4: "c"}}}
    import_model(export(net, tmp_path / "net.onnx", **options), tmp_path / "ours")
    voxels = image((1, 2, 10, 6, 4))
    with torch.no_grad():
        expected = net(torch.from_numpy(voxels))[0].numpy()
    np.testing.assert_allclose(imported_output(tmp_path / "ours", voxels), expected, atol=1e-5)
    assert open_model(tmp_path / "ours").spec.network.grid.patch == (96, 96, 96)


def test_one_output_channel_gets_a_threshold_to_check(tmp_path: Path) -> None:
    summary = import_model(export(Net(classes=1), tmp_path / "net.onnx"), tmp_path / "ours")
    spec = open_model(tmp_path / "ours").spec
    assert spec.network.threshold == 0.5
    assert list(spec.labels) == [1]
    assert any("threshold" in note for note in summary.notes)


def test_weights_beside_the_file_come_along(net: Net, tmp_path: Path) -> None:
    model = onnx.load(export(net, tmp_path / "net.onnx"))
    (tmp_path / "apart").mkdir()
    onnx.save(model, tmp_path / "apart" / "net.onnx", save_as_external_data=True, size_threshold=0)
    import_model(tmp_path / "apart" / "net.onnx", tmp_path / "ours")
    with torch.no_grad():
        expected = net(torch.from_numpy(image()))[0].numpy()
    np.testing.assert_allclose(imported_output(tmp_path / "ours", image()), expected, atol=1e-5)


def test_weights_elsewhere_are_refused(net: Net, tmp_path: Path) -> None:
    model = onnx.load(export(net, tmp_path / "net.onnx"))
    (tmp_path / "apart").mkdir()
    onnx.save(model, tmp_path / "apart" / "net.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    (tmp_path / "apart" / "w.bin").rename(tmp_path / "w.bin")
    data = (tmp_path / "apart" / "net.onnx").read_bytes()
    (tmp_path / "apart" / "net.onnx").write_bytes(data)
    moved = onnx.load(tmp_path / "apart" / "net.onnx", load_external_data=False)
    for tensor in moved.graph.initializer:
        for entry in tensor.external_data:
            entry.value = "../w.bin" if entry.key == "location" else entry.value
    onnx.save(moved, tmp_path / "apart" / "net.onnx")
    with pytest.raises(ModelFolderError, match="no valid ONNX"):
        import_model(tmp_path / "apart" / "net.onnx", tmp_path / "ours")


def change_and_save(path: Path, change: Any) -> Path:
    model = onnx.load(path)
    change(model.graph, model)
    onnx.save(model, path)
    return path


def use_custom_operator(graph: Any, model: Any) -> None:
    model.opset_import.add(domain="com.example", version=1)
    graph.node[0].domain = "com.example"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (use_custom_operator, r"com\.example"),
        (lambda graph, model: graph.input.add().CopyFrom(renamed(graph.input[0])), "one input"),
        (lambda graph, model: graph.input[0].type.tensor_type.shape.dim[1].Clear(), "channels open"),
    ],
)
def test_what_cannot_be_run_is_refused(net: Net, tmp_path: Path, change: Any, message: str) -> None:
    source = change_and_save(export(net, tmp_path / "net.onnx"), change)
    with pytest.raises(ModelFolderError, match=message):
        import_model(source, tmp_path / "ours")
    assert not (tmp_path / "ours").exists()


def renamed(value: Any) -> Any:
    copy = type(value)()
    copy.CopyFrom(value)
    copy.name = "second"
    return copy


def test_a_network_with_another_output_size_is_refused(tmp_path: Path) -> None:
    source = export(torch.nn.Conv3d(2, 3, 2, stride=2).eval(), tmp_path / "net.onnx")
    with pytest.raises(ModelFolderError, match="only segmentation"):
        import_model(source, tmp_path / "ours")


def test_an_existing_folder_is_not_touched(net: Net, tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    with pytest.raises(OutputError, match="exists already"):
        import_model(export(net, tmp_path / "net.onnx"), tmp_path / "ours")


@pytest.mark.parametrize("name", ["net.onnx", "net.pt", "folder"])
def test_what_is_none_of_the_kinds_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.mkdir() if name == "folder" else path.write_text("hello")
    with pytest.raises(ModelFolderError, match=name):
        import_model(path, tmp_path / "ours")


def test_a_name_without_letters_is_refused(net: Net, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no name"):
        import_model(export(net, tmp_path / "net.onnx"), tmp_path / "ours", name="???")
