"""TorchScript files: refused until the user agrees, then equal to their source."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")

from vesalius.errors import ModelFolderError, UsageError  # noqa: E402
from vesalius.models.folder import open_model  # noqa: E402
from vesalius.models.importers import import_model  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


class Block(torch.nn.Module):
    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv = torch.nn.Conv3d(before, after, (3, 1, 5), padding=(1, 0, 2))
        self.norm = torch.nn.BatchNorm3d(after)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.norm(self.conv(x)))


class TinyUNet(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.enter = Block(1, 4)
        self.deep = Block(4, 8)
        self.up = torch.nn.ConvTranspose3d(8, 4, (2, 1, 2), stride=(2, 1, 2))
        self.leave = torch.nn.Conv3d(8, 3, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skip = self.enter(x)
        deep = self.deep(torch.nn.functional.max_pool3d(skip, (2, 1, 2)))
        return self.leave(torch.cat([skip, self.up(deep)], dim=1))


@pytest.fixture
def net() -> TinyUNet:
    torch.manual_seed(0)
    net = TinyUNet()
    with torch.no_grad():
        net.train()(torch.randn(2, 1, 8, 8, 8))  # batch norm's statistics
    return net.eval()


def archive(net: TinyUNet, kind: str, path: Path) -> Path:
    made = torch.jit.script(net) if kind == "script" else torch.jit.trace(net, torch.zeros(1, 1, 8, 6, 4))
    made.save(path)
    return path


def test_code_does_not_run_unasked_and_is_described(net: TinyUNet, tmp_path: Path) -> None:
    source = archive(net, "script", tmp_path / "net.pt")
    with pytest.raises(UsageError, match=r"functions in the modules .*Block.*TinyUNet.*--run-foreign-code"):
        import_model(source, tmp_path / "ours")
    assert not (tmp_path / "ours").exists()


@pytest.mark.parametrize("kind", ["script", "trace"])
def test_gives_what_the_script_gives(net: TinyUNet, tmp_path: Path, kind: str) -> None:
    source = archive(net, kind, tmp_path / "net.pt")
    summary = import_model(source, tmp_path / "ours", run_foreign_code=True)

    folder = open_model(tmp_path / "ours")
    session = onnxruntime.InferenceSession(folder.file(folder.spec.network.graph))
    for shape in ((1, 1, 8, 6, 4), (1, 1, 6, 5, 12)):
        image = np.random.default_rng(0).standard_normal(shape, np.float32)
        with torch.no_grad():
            expected = net(torch.from_numpy(image)).numpy()
        np.testing.assert_allclose(session.run(None, {"image": image})[0], expected, atol=1e-5)
    assert summary.kind == "TorchScript"
    assert summary.ran == ("the TorchScript in net.pt",)
    assert folder.spec.network.net is None
    assert sorted(folder.spec.labels) == [1, 2]
    assert folder.file("network.onnx").stat().st_size < 20_000, "the weights lie in the safetensors file alone"


def test_a_checkpoint_is_no_network(net: TinyUNet, tmp_path: Path) -> None:
    torch.save(net.state_dict(), tmp_path / "net.pt")
    with pytest.raises(ModelFolderError, match="checkpoint"):
        import_model(tmp_path / "net.pt", tmp_path / "ours", run_foreign_code=True)


def test_a_flat_network_is_refused(tmp_path: Path) -> None:
    torch.jit.script(torch.nn.Conv2d(1, 2, 3, padding=1)).save(tmp_path / "net.pt")
    with pytest.raises(ModelFolderError, match="3D"):
        import_model(tmp_path / "net.pt", tmp_path / "ours", run_foreign_code=True)


def test_a_truncated_archive_is_named(net: TinyUNet, tmp_path: Path) -> None:
    source = archive(net, "script", tmp_path / "net.pt")
    source.write_bytes(source.read_bytes()[:-2000])
    with pytest.raises(ModelFolderError, match=r"net\.pt"):
        import_model(source, tmp_path / "ours", run_foreign_code=True)
