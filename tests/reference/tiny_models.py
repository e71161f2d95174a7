"""Model folders around small networks with random weights, stored as trained ones are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from vesalius import nets
from vesalius.models.folder import ModelFolder, open_model
from vesalius.models.golden import GoldenCase
from vesalius.models.graph import trace
from vesalius.models.network import wrapped
from vesalius.models.spec import ModelSpec, NetworkSpec, Origin
from vesalius.models.store import Converted, store_network, store_spec
from vesalius.results import Label, palette_colour

_PLACES = {
    "weights": "network.safetensors", "graph": "network.onnx", "golden": "network.safetensors", "sha256": "0" * 64,
    "graph_sha256": "0" * 64,
}  # fmt: skip


def tiny_model(
    folder: Path, net: str, arguments: dict[str, Any], labels: dict[int, str], *, seed: int = 0, **fields: Any
) -> ModelFolder:
    """``fields`` are those of `ModelSpec`; ``network`` holds the fields of `NetworkSpec` but for names and digests."""
    network = {"net": net, "arguments": arguments, **fields.pop("network")}
    channels = fields.get("channels", ("image",))
    torch.manual_seed(seed)
    bare = nets.build(net, arguments)
    described = NetworkSpec(**_PLACES, **network)
    tile = described.grid.size if described.grid.kind == "whole" else described.grid.patch
    image = torch.rand(1, len(channels), *tile).half().float()
    module = wrapped(bare, described)
    with torch.inference_mode():
        golden = GoldenCase(image.numpy(), module(image).numpy())
    tensors = {name: tensor.numpy() for name, tensor in nets.unique_tensors(bare).items()}
    folder.mkdir()
    stored, _ = store_network(folder, "network", Converted(trace(module, image.shape), tensors, golden, network))
    spec = ModelSpec(
        name="tiny",
        version="1.0",
        summary="A network for the tests.",
        network=stored,
        labels={value: Label(name=name, colour=palette_colour(value + 1)) for value, name in labels.items()},
        origin=Origin(source="the tests", data="none", licence="Apache-2.0"),
        **fields,
    )
    store_spec(folder, spec)
    return open_model(folder)
