"""ONNX files: a graph of operators of the ONNX standard and its weights. It holds no code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vesalius.errors import ModelFolderError
from vesalius.extras import require
from vesalius.models.importers.unknown import ImportSummary, guessed_spec, probe
from vesalius.models.spec import SlidingGrid
from vesalius.models.store import Converted, new_folder, run_graph, store_network, store_spec
from vesalius.volume import Array, Shape

_STANDARD = ("", "ai.onnx")
_DEFAULT_SIDE = 96


def import_onnx(path: Path, out: Path, name: str) -> ImportSummary:
    """Make the model folder ``out`` of an ONNX file; see `vesalius.models.importers.import_model`."""
    model = _load(path)
    channels, patch = _input_size(model, path)
    golden = probe(lambda image: run_graph(path, image), channels, patch)
    _keep_first_output(model, golden.output.shape[1])
    network = Converted(model, _tensors(model), golden, {"grid": SlidingGrid(patch=patch)})
    with new_folder(out) as folder:
        stored, difference = store_network(folder, "network", network)
        spec, notes = guessed_spec(name, stored, golden, f"the ONNX file {path.name}")
        store_spec(folder, spec)
    return ImportSummary("ONNX", out, (), notes, difference)


def _load(path: Path) -> Any:
    """The `onnx.ModelProto`, with weights that lie beside it (onnx lets none lie elsewhere).

    Raises:
        ModelFolderError: it is no valid ONNX file, or uses operators outside the standard.
    """
    onnx = require("onnx", "import")
    try:
        model = onnx.load(path)
        onnx.checker.check_model(str(path))
    except Exception as error:  # protobuf's and onnx's own, of unrelated types
        raise ModelFolderError(f"{path} is no valid ONNX file: {str(error).strip().splitlines()[0]}") from error
    foreign = sorted({opset.domain for opset in model.opset_import} - set(_STANDARD))
    used = sorted({node.domain for node in model.graph.node} & set(foreign))
    if used:
        raise ModelFolderError(f"{path} uses operators of {', '.join(used)}, which are not in the ONNX standard")
    return model


def _input_size(model: Any, path: Path) -> tuple[int, Shape]:
    """C and (I, J, K), 96 where the graph leaves a size free."""
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    shapes = [[int(dim.dim_value) for dim in value.type.tensor_type.shape.dim] for value in inputs]
    if len(shapes) != 1 or len(shapes[0]) != 5:
        raise ModelFolderError(f"{path} must take one input (N, C, I, J, K); it takes {shapes}")
    channels, *sides = shapes[0][1:]
    if channels < 1:
        raise ModelFolderError(f"{path} leaves the number of input channels open; export it with a fixed number")
    i, j, k = (side or _DEFAULT_SIDE for side in sides)
    return channels, (i, j, k)


def _keep_first_output(model: Any, channels: int) -> None:
    """Drop deep supervision's and other side outputs, and state the number of classes where the graph does not."""
    del model.graph.output[1:]
    dims = model.graph.output[0].type.tensor_type.shape.dim
    if len(dims) == 5:
        dims[1].dim_value = channels


def _tensors(model: Any) -> dict[str, Array]:
    """The graph's weights by name, those of a type that safetensors has."""
    onnx = require("onnx", "import")
    arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    return {name: array for name, array in arrays.items() if np.dtype(array.dtype).kind in "fiub"}
