"""Small model folders with real weights, made with torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vesalius.models.folder import ModelFolder, file_sha256, open_model
from vesalius.models.graph import trace, write_graph, write_tensors
from vesalius.models.spec import Grid, Intensity, ModelSpec, NetworkSpec, NoIntensity, Origin
from vesalius.results import Label

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("monai")

DYNUNET = {
    "spatial_dims": 3,
    "in_channels": 1,
    "out_channels": 4,
    "kernel_size": [3, 3, 3],
    "strides": [1, 2, 2],
    "upsample_kernel_size": [2, 2],
    "filters": [8, 16, 32],
}

MakeModel = Callable[..., ModelFolder]


@pytest.fixture
def make_model(tmp_path: Path) -> MakeModel:
    """Builds a model folder around a seeded DynUNet of MONAI's, with the grid and intensity rule asked for."""

    def make(
        grid: Grid, intensity: Intensity | None = None, threshold: float | None = None, classes: int = 4
    ) -> ModelFolder:
        from vesalius import nets

        arguments = DYNUNET | {"out_channels": classes}
        torch.manual_seed(classes)
        module = nets.build("dynunet", arguments).eval()
        folder = tmp_path / "model"
        (folder / "golden").mkdir(parents=True)
        weights, graph = folder / "net.safetensors", folder / "net.onnx"
        write_tensors({k: v.numpy() for k, v in nets.unique_tensors(module).items()}, weights)
        write_graph(trace(module, (1, 1, 16, 16, 16)), graph, weights)
        x = torch.randn(1, 1, 16, 20, 24)
        with torch.inference_mode():
            y = module(x)
        write_tensors({"input": x.numpy(), "output": y.numpy()}, folder / "golden" / "net.safetensors")
        spec = ModelSpec(
            name="small",
            version="1.0.0",
            task="segment",
            summary="A network for the tests.",
            network=NetworkSpec(
                net="dynunet",
                arguments=arguments,
                weights=weights.name,
                graph=graph.name,
                golden="net.safetensors",
                sha256=file_sha256(weights),
                graph_sha256=file_sha256(graph),
                grid=grid,
                intensity=intensity or NoIntensity(),
                threshold=threshold,
            ),
            labels={n: Label(name=f"part-{n}", colour="#112233") for n in range(1, max(classes, 2))},
            origin=Origin(source="the tests", data="none", licence="Apache-2.0"),
        )
        (folder / "model.json").write_text(spec.model_dump_json(indent=2))
        return open_model(folder)

    return make


@pytest.fixture
def head_like() -> np.ndarray:
    """(1, 40, 52, 33) float32: smooth structure with empty surroundings."""
    rng = np.random.default_rng(11)
    noise = torch.from_numpy(rng.normal(size=(1, 1, 10, 13, 9)).astype(np.float32))
    smooth = torch.nn.functional.interpolate(noise, (40, 52, 33), mode="trilinear")[0].numpy()
    smooth[:, :, 40:] = 0
    return np.asarray(np.where(smooth > 0, smooth, 0), np.float32)
