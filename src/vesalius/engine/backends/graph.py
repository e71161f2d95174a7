"""Memory of a graph that runs in plain f32 tensors, one operation after the other."""

from __future__ import annotations

import math
from pathlib import Path

from vesalius.engine.memory import liveness_peak


def graph_memory(graph: Path, shape: tuple[int, ...]) -> int:
    """Bytes of activations, input and output of a graph.onnx for an input of ``shape`` (N, C, I, J, K)."""
    import openvino

    model = openvino.Core().read_model(graph)
    model.reshape(list(shape))
    ends = [model.inputs[0].get_shape(), model.outputs[0].get_shape()]
    return liveness_peak(model.get_ordered_ops()) + 4 * sum(math.prod(end) for end in ends)
