"""PyTorch: on NVIDIA GPUs, and the reference on CPUs."""

from __future__ import annotations

from typing import Any

import numpy as np

from vesalius.engine.backend import BackendInfo, FloatTensor, Precision
from vesalius.engine.backends.graph import graph_classes, graph_memory
from vesalius.errors import NotEnoughMemoryError, UsageError
from vesalius.extras import require
from vesalius.models.folder import ModelFolder
from vesalius.models.spec import NetworkSpec


class TorchBackend:
    """A network of `vesalius.nets` with a model folder's weights."""

    def __init__(
        self, folder: ModelFolder, network: NetworkSpec, shape: tuple[int, ...], precision: Precision, device: str
    ) -> None:
        if network.net is None:
            raise UsageError(
                f"the model {folder.spec.name!r} holds its network as a graph only, which torch cannot run; "
                "leave --engine out, or use openvino or onnxruntime"
            )
        torch = require("torch", "torch")
        from vesalius.models.network import load_network

        module = load_network(network, folder.file(network.weights))
        self._torch, self._device = torch, torch.device(device)
        self._type = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}[precision]
        self._module: Any = module.to(self._device).to(memory_format=torch.channels_last_3d)
        self._graph, self._shape = folder.file(network.graph), shape
        self.info = BackendInfo("torch", precision, device)
        self.classes = graph_classes(self._graph)
        self.decides = False

    def run(self, batch: FloatTensor) -> FloatTensor:
        """See `vesalius.engine.backend.Backend.run`."""
        torch = self._torch
        reduced = self._type != torch.float32
        try:
            with torch.inference_mode(), torch.autocast(self._device.type, self._type, enabled=reduced):
                tensor = torch.from_numpy(batch).to(self._device, memory_format=torch.channels_last_3d)
                scores: Any = self._module(tensor)
                array: FloatTensor = np.ascontiguousarray(scores.float().cpu().numpy())
        except torch.cuda.OutOfMemoryError as error:
            raise NotEnoughMemoryError(
                f"the GPU has too little memory for tiles of {batch.shape[2:]} voxels; use --device cpu"
            ) from error
        return array

    def memory_bytes(self) -> int:
        """Activations by the liveness of the graph in f32; on a GPU only the input and output are in RAM."""
        ends = 4 * int(np.prod(self._shape)) * (1 + self.classes)
        return ends if self._device.type == "cuda" else graph_memory(self._graph, self._shape)
