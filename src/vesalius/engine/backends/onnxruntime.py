"""ONNX Runtime: for processors and accelerators that OpenVINO does not serve."""

from __future__ import annotations

from pathlib import Path

from vesalius.engine.backend import BackendInfo, FloatTensor
from vesalius.engine.backends.graph import graph_classes, graph_memory
from vesalius.extras import require


class OnnxRuntimeBackend:
    """A graph.onnx for tiles of one shape (N, C, I, J, K), on CUDA where ONNX Runtime has it, in f32."""

    def __init__(self, graph: Path, shape: tuple[int, ...], device: str) -> None:
        runtime = require("onnxruntime", "onnx")
        options = runtime.SessionOptions()
        options.log_severity_level = 3
        provider = "CUDAExecutionProvider" if device == "cuda" else "CPUExecutionProvider"
        self._session = runtime.InferenceSession(graph, options, providers=[provider])
        self._input = self._session.get_inputs()[0].name
        self._graph, self._shape = graph, shape
        self.info = BackendInfo("onnxruntime", "f32", device)
        self.classes = graph_classes(graph)
        self.decides = False

    def run(self, batch: FloatTensor) -> FloatTensor:
        """See `vesalius.engine.backend.Backend.run`."""
        scores: FloatTensor = self._session.run(None, {self._input: batch})[0]
        return scores

    def memory_bytes(self) -> int:
        """Activations by the liveness of the graph in f32."""
        return graph_memory(self._graph, self._shape)
