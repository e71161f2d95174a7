"""OpenVINO: the default on CPUs."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from vesalius.engine.backend import BackendInfo, FloatTensor, Precision
from vesalius.engine.memory import liveness_peak


class OpenVinoBackend:
    """A graph.onnx compiled for tiles of one shape (N, C, I, J, K) on the CPU."""

    def __init__(self, graph: Path, shape: tuple[int, ...], precision: Precision) -> None:
        model = _core().read_model(graph)
        model.reshape(list(shape))
        options = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        self._compiled = _core().compile_model(model, "CPU", options)
        self._shape = shape
        self._request: Any = None
        self.info = BackendInfo("openvino", precision, "cpu")
        self.classes = int(self._compiled.outputs[0].get_partial_shape()[1].get_length())

    def run(self, batch: FloatTensor) -> FloatTensor:
        """See `vesalius.engine.backend.Backend.run`."""
        if self._request is None:
            self._request = self._compiled.create_infer_request()
        self._request.infer([batch], share_inputs=True)
        scores: FloatTensor = self._request.output_tensors[0].data
        return scores

    def memory_bytes(self) -> int:
        """Activations by the liveness of the compiled graph, the input, and the output, which it holds twice."""
        activations = liveness_peak(self._compiled.get_runtime_model().get_ordered_ops())
        output = int(np.prod(list(self._compiled.outputs[0].get_shape())))
        return activations + 4 * (int(np.prod(self._shape)) + 2 * output)


def fast_precisions() -> tuple[Precision, ...]:
    """Arithmetic faster than f32 that this processor has."""
    return ("bf16",) if "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") else ()


def version() -> str:
    """OpenVINO's version."""
    import openvino

    return str(openvino.__version__)


@cache
def _core() -> Any:
    import openvino

    return openvino.Core()
