"""OpenVINO: the default on CPUs."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from vesalius.engine.backend import BackendInfo, FloatTensor, Precision
from vesalius.engine.memory import liveness_peak
from vesalius.extras import openvino
from vesalius.volume import Array


class OpenVinoBackend:
    """A graph.onnx compiled for tiles of one shape (N, C, I, J, K) on the CPU.

    With ``decides`` a network of two classes gives labels instead of scores.
    """

    def __init__(self, graph: Path, shape: tuple[int, ...], precision: Precision, *, decides: bool = False) -> None:
        model = _core().read_model(graph)
        model.reshape(list(shape))
        self.classes = int(model.outputs[0].get_partial_shape()[1].get_length())
        self.decides = decides and self.classes == 2
        self.info = BackendInfo("openvino", precision, "cpu")
        options = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        self._compiled = _core().compile_model(_deciding(model) if self.decides else model, "CPU", options)
        self._shape = shape
        self._request: Any = None

    def run(self, batch: FloatTensor) -> Array:
        """See `vesalius.engine.backend.Backend.run`."""
        if self._request is None:
            self._request = self._compiled.create_infer_request()
        self._request.infer([batch], share_inputs=True)
        output: Array = self._request.output_tensors[0].data
        return output

    def memory_bytes(self) -> int:
        """Activations by the liveness of the compiled graph, the input, and the output, which it holds twice."""
        activations = liveness_peak(self._compiled.get_runtime_model().get_ordered_ops())
        output = int(np.prod(list(self._compiled.outputs[0].get_shape()))) * (1 if self.decides else 4)
        return activations + 4 * int(np.prod(self._shape)) + 2 * output


def _deciding(model: Any) -> Any:
    """The network of two classes with "the second exceeds the first" at its end, as uint8."""
    op = openvino().opset13
    scores = model.outputs[0].get_node().input_value(0)
    first, second = op.split(scores, op.constant(np.int64(1)), 2).outputs()
    label = op.convert(op.greater(second, first), "u8")
    return openvino().Model([op.result(label)], model.get_parameters())


def fast_precisions() -> tuple[Precision, ...]:
    """Arithmetic faster than f32 that this processor has."""
    return ("bf16",) if "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") else ()


def version() -> str:
    """OpenVINO's version."""
    return str(openvino().__version__)


@cache
def _core() -> Any:
    return openvino().Core()
