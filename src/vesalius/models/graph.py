"""The network as an ONNX graph that holds no weights of its own.

An initializer whose bytes are a tensor of the .safetensors file refers to that file as ONNX *external data* (offset and
length after the 8-byte length and the JSON header, see the safetensors format). So weights lie on disk once, and
OpenVINO and ONNX Runtime run the network without torch.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vesalius.errors import ModelFolderError
from vesalius.extras import require
from vesalius.volume import Array

if TYPE_CHECKING:
    from torch import nn

INPUT = "image"
OUTPUT = "output"
OPSET = 18  # has every operator that torch writes for our networks; read by OpenVINO 2023 and ONNX Runtime 1.14 on
_FREE = {0: "N", 2: "I", 3: "J", 4: "K"}


@dataclass(frozen=True)
class TensorPlace:
    """Where a tensor lies in its file: ``offset`` and ``length`` in bytes, and the digest of these bytes."""

    name: str
    offset: int
    length: int
    digest: bytes


def write_tensors(tensors: Mapping[str, Array], path: Path) -> None:
    """Write arrays as safetensors; equal arrays under equal names give the same bytes on every machine."""
    from safetensors.numpy import save

    contiguous = {name: np.ascontiguousarray(array).reshape(array.shape) for name, array in tensors.items()}
    path.write_bytes(save(contiguous))  # reshaped because a number without axes would have been given one


def trace(network: nn.Module, shape: tuple[int, ...]) -> Any:
    """The network as an `onnx.ModelProto`, recorded on zeros of ``shape`` (N, C, I, J, K); all but C stay free.

    Raises:
        ModelFolderError: the network does something that ONNX has no operator for.
        MissingExtraError: torch or onnx is not installed.
    """
    torch, onnx = require("torch", "import"), require("onnx", "import")
    file, zeros = io.BytesIO(), torch.zeros(shape)
    try:
        with _quiet(), _weighted_norms(network):
            with torch.no_grad():
                axes = network(zeros).ndim
            torch.onnx.export(
                network,
                (zeros,),
                file,
                dynamo=False,  # keeps I, J and K free where the other exporter demands a proof, and takes TorchScript
                training=torch.onnx.TrainingMode.PRESERVE,  # EVAL would fold batch norm into the convolutions' weights
                do_constant_folding=False,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_axes={INPUT: _FREE, OUTPUT: {axis: name for axis, name in _FREE.items() if axis < axes}},
            )
    except Exception as error:  # torch raises errors of many unrelated types here
        raise ModelFolderError(f"the network cannot be written as an ONNX graph: {_first_line(error)}") from error
    return onnx.load_from_string(file.getvalue())


def write_graph(model: Any, path: Path, weights: Path) -> int:
    """Write an `onnx.ModelProto` whose initializers, where ``weights`` has their bytes, refer to it.

    ``path`` and ``weights`` must lie in the same folder.

    Returns:
        The bytes of weights that could not be found in ``weights`` and are therefore in the graph itself.
    """
    places = {(place.length, place.digest): place for place in read_places(weights)}
    inside = 0
    for tensor in model.graph.initializer:
        data = _bytes_of(tensor)
        place = places.get((len(data), hashlib.sha256(data).digest()))
        if place is None:
            inside += len(data)
        else:
            _refer(tensor, weights.name, place)
    path.write_bytes(model.SerializeToString(deterministic=True))
    return inside


def read_places(weights: Path) -> list[TensorPlace]:
    """Where each tensor of a safetensors file lies in it."""
    data = weights.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    places = []
    for name, entry in header.items():
        if name != "__metadata__":
            first, last = (start + offset for offset in entry["data_offsets"])
            digest = hashlib.sha256(memoryview(data)[first:last]).digest()
            places.append(TensorPlace(name, first, last - first, digest))
    return places


def _bytes_of(tensor: Any) -> bytes:
    """The tensor's values, little-endian, in C order."""
    if not tensor.HasField("raw_data"):
        onnx = require("onnx", "import")
        tensor.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor), tensor.name))
    return bytes(tensor.raw_data)


def _refer(tensor: Any, location: str, place: TensorPlace) -> None:
    onnx = require("onnx", "import")
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", place.offset), ("length", place.length)):
        tensor.external_data.add(key=key, value=str(value))


@contextlib.contextmanager
def _weighted_norms(network: nn.Module) -> Iterator[None]:
    """With ones and zeros in instance norms that have none; the exporter cannot add them after window attention."""
    torch = require("torch", "import")
    norms = [
        module
        for module in network.modules()
        if isinstance(module, torch.nn.InstanceNorm2d | torch.nn.InstanceNorm3d) and module.weight is None
    ]
    for module in norms:
        module.weight = torch.nn.Parameter(torch.ones(module.num_features))
        module.bias = torch.nn.Parameter(torch.zeros(module.num_features))
    try:
        yield
    finally:
        for module in norms:
            module.weight = module.bias = None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the remarks of torch's exporter about its own future, which are not the user's business."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
