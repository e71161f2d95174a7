"""Model folders whose answers follow from a scan's values in closed form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from vesalius.models.folder import ModelFolder, file_sha256, open_model
from vesalius.models.graph import trace, write_graph, write_tensors
from vesalius.models.spec import Decision, ModelSpec, NetworkSpec, Origin, SlidingGrid, WholeGrid
from vesalius.results import Label


class _Nearest(nn.Module):
    """Scores -s (x - k)² of the classes k, less what they have in common: the class is the value, rounded."""

    def __init__(self, classes: int, sharpness: float) -> None:
        super().__init__()
        self.layer = nn.Conv3d(1, classes, 1)
        numbers = torch.arange(classes, dtype=torch.float32)
        self.layer.weight.data = 2 * sharpness * numbers.reshape(-1, 1, 1, 1, 1)
        self.layer.bias.data = -sharpness * numbers**2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)


class _Mean(nn.Module):
    """Scores (0, m - 0.5, 2 m - 2 …) of an image whose mean is m."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.layer = nn.Linear(1, classes)
        numbers = torch.arange(classes, dtype=torch.float32)
        self.layer.weight.data = numbers.reshape(-1, 1)
        self.layer.bias.data = -(numbers**2) / 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x.mean(dim=(1, 2, 3, 4))[:, None])


def rounding_model(folder: Path, names: tuple[str, ...], patch: tuple[int, int, int]) -> ModelFolder:
    """Segments: a voxel has the label whose number, from 1, is nearest to its value; softmax of -4 (x - k)²."""
    network = _Nearest(len(names) + 1, sharpness=4)
    labels = {n: Label(name=name, colour="#112233") for n, name in enumerate(names, start=1)}
    return _stored(folder, network, patch, "segment", labels, SlidingGrid(patch=patch), None)


def mean_model(
    folder: Path, names: tuple[str, ...], size: tuple[int, int, int], decision: Decision | None = None
) -> ModelFolder:
    """Classifies: the scores are k m - k² / 2 of class k, for an image with the mean m."""
    labels = {n: Label(name=name, colour="#112233") for n, name in enumerate(names)}
    return _stored(folder, _Mean(len(names)), size, "classify", labels, WholeGrid(size=size), decision)


def _stored(folder, network, shape, task, labels, grid, decision) -> ModelFolder:  # type: ignore[no-untyped-def]
    network.eval()
    (folder / "golden").mkdir(parents=True)
    weights, graph = folder / "net.safetensors", folder / "net.onnx"
    write_tensors({key: tensor.numpy() for key, tensor in network.state_dict().items()}, weights)
    write_graph(trace(network, (1, 1, *shape)), graph, weights)
    image = torch.from_numpy(np.random.default_rng(0).random((1, 1, *shape), np.float32))
    with torch.inference_mode():
        output = network(image)
    write_tensors({"input": image.numpy(), "output": output.numpy()}, folder / "golden" / "net.safetensors")
    network_spec = NetworkSpec(
        weights=weights.name,
        graph=graph.name,
        golden="net.safetensors",
        sha256=file_sha256(weights),
        graph_sha256=file_sha256(graph),
        grid=grid,
    )
    spec = ModelSpec(
        name="known",
        version="1.0.0",
        task=task,
        summary="A network for the tests.",
        network=network_spec,
        labels=labels,
        decision=decision,
        origin=Origin(source="the tests", data="none", licence="Apache-2.0"),
    )
    (folder / "model.json").write_text(spec.model_dump_json(indent=2))
    return open_model(folder)
