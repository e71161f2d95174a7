"""Stores a network: its weights, graph and golden case in a new model folder, proven equal to its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vesalius.aside import aside_folder
from vesalius.errors import ModelFolderError, OutputError
from vesalius.extras import openvino
from vesalius.models.card import render
from vesalius.models.folder import CARD_FILE, GOLDEN_FOLDER, SPEC_FILE, file_sha256
from vesalius.models.golden import FloatTensor, GoldenCase, write_golden
from vesalius.models.graph import write_graph, write_tensors
from vesalius.models.spec import ModelSpec, NetworkSpec
from vesalius.volume import Array

# Of the largest output. OpenVINO's f32 instance norms alone cost up to 0.002 on small inputs; exchanged axes cost 0.5.
_AGREE = 0.01


@dataclass(frozen=True, eq=False)
class Converted:
    """A network ready to be stored.

    ``graph`` is an `onnx.ModelProto`, ``tensors`` its weights by name, ``golden`` an input and what the *source* gave
    for it. ``fields`` are those of `NetworkSpec` that are not about files.
    """

    graph: Any
    tensors: Mapping[str, Array]
    golden: GoldenCase
    fields: Mapping[str, Any]


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``out`` that takes its place on success and is gone after any exception.

    Raises:
        OutputError: ``out`` exists already, or nothing can be written there.
    """
    if out.exists():
        raise OutputError(f"{out} exists already; name a model folder that does not")
    with aside_folder(out) as folder:
        yield folder


def store_network(folder: Path, stem: str, network: Converted) -> tuple[NetworkSpec, float]:
    """Write ``stem``.safetensors, ``stem``.onnx and golden/``stem``.safetensors.

    Returns:
        The network's description, and the largest difference between the stored graph's output and the source's.

    Raises:
        ModelFolderError: they differ by more than rounding.
    """
    weights, graph = folder / f"{stem}.safetensors", folder / f"{stem}.onnx"
    write_tensors(network.tensors, weights)
    write_graph(network.graph, graph, weights)
    write_golden(network.golden, folder / GOLDEN_FOLDER / weights.name)
    expected = network.golden.output
    scale = max(1.0, float(np.abs(expected).max()))
    difference = largest_difference(run_graph(graph, network.golden.input), expected)
    if not difference <= _AGREE * scale:
        raise ModelFolderError(
            f"the stored network gives other values than its source (by up to {difference:.3g}); it was not kept"
        )
    spec = NetworkSpec(
        weights=weights.name,
        graph=graph.name,
        golden=weights.name,
        sha256=file_sha256(weights),
        graph_sha256=file_sha256(graph),
        tolerance=_AGREE * scale,
        **network.fields,
    )
    return spec, difference


def store_spec(folder: Path, spec: ModelSpec) -> None:
    """Write model.json and the model card made from it."""
    text = spec.model_dump_json(indent=2, exclude_none=True)
    (folder / SPEC_FILE).write_text(text + "\n", encoding="utf-8")
    (folder / CARD_FILE).write_text(render(spec), encoding="utf-8")


def run_graph(graph: Path, image: FloatTensor) -> FloatTensor:
    """(N, C, I, J, K) → (N, L, I, J, K): the graph on OpenVINO in f32.

    Raises:
        ModelFolderError: OpenVINO cannot read or run it.
    """
    core = openvino().Core()
    try:
        model = core.read_model(graph)
        model.reshape(list(image.shape))
        compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        output: FloatTensor = np.array(compiled(image)[0], dtype=np.float32)
    except RuntimeError as error:
        reason = (str(error).strip().splitlines() or ["no reason given"])[-1]
        raise ModelFolderError(f"the network does not run on OpenVINO: {reason}") from error
    return output


def largest_difference(a: Array, b: Array) -> float:
    """The largest absolute difference; infinite where the shapes differ."""
    return float(np.abs(a - b).max()) if a.shape == b.shape else float("inf")
