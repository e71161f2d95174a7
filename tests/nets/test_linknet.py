"""LinkNet against the TorchScript that deepbet publishes, on a real head."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from vesalius import nets  # noqa: E402


def published(name: str) -> torch.jit.ScriptModule:
    package = importlib.util.find_spec("deepbet")
    if package is None or package.origin is None:
        pytest.skip("deepbet, which carries the published network, is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return torch.jit.load(Path(package.origin).parents[1] / "data" / "models" / name).eval()


@pytest.mark.parametrize("name", ["model.pt", "bbox_model.pt"])
def test_gives_what_the_published_network_gives(name: str, mni152: Path) -> None:
    script, network = published(name), nets.build("linknet", {})
    network.load_state_dict(script.state_dict())
    voxels = np.asanyarray(nib.load(mni152).dataobj).astype(np.float32)[2::2, 10:-31:2, 14:-15:2]
    head = torch.from_numpy((voxels - voxels.mean()) / voxels.std() * 0.226 + 0.449)[None, None]
    assert head.shape == (1, 1, 98, 96, 80)
    head = head[:, :, :96, :, :64]

    with torch.no_grad():
        expected, given = script(head), network(head)

    assert 0.05 < float(expected[:, 1].mean()) < 0.7, "the head must have a brain in it for this test to mean anything"
    torch.testing.assert_close(given, expected, rtol=0, atol=1e-5)


def test_gives_probabilities_of_every_class_at_the_input_size() -> None:
    network = nets.build("linknet", {"in_channels": 2, "out_channels": 3, "features": 8})
    with torch.no_grad():
        output = network(torch.rand(2, 2, 32, 64, 96))
    assert output.shape == (2, 3, 32, 64, 96)
    torch.testing.assert_close(output.sum(1), torch.ones(2, 32, 64, 96))
    assert float(output.min()) >= 0
