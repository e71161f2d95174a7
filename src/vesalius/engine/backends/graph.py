"""Memory of a graph that runs in plain f32 tensors, one operation after the other."""

from __future__ import annotations

import math
from pathlib import Path

from vesalius.engine.memory import liveness_peak
from vesalius.extras import openvino


def graph_memory(graph: Path, shape: tuple[int, ...]) -> int:
    """Bytes of activations, input and output of a graph.onnx for an input of ``shape`` (N, C, I, J, K)."""
    model = openvino().Core().read_model(graph)
    model.reshape(list(shape))
    ends = [[int(n) for n in end.get_shape()] for end in (model.inputs[0], model.outputs[0])]
    return liveness_peak(model.get_ordered_ops()) + 4 * sum(math.prod(end) for end in ends)


def graph_classes(graph: Path) -> int:
    """The number of output channels of a graph.onnx."""
    return int(openvino().Core().read_model(graph).outputs[0].get_partial_shape()[1].get_length())
