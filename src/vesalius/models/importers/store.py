"""What all importers end with: the network's weights, graph and golden case in a new model folder, proven equal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
from vesalius.models.spec import ModelSpec, NetworkSpec, Origin
from vesalius.results import Label, palette_colour
from vesalius.volume import Array

# Of the largest output. OpenVINO's f32 instance norms alone cost up to 0.002 on small inputs; exchanged axes cost 0.5.
_AGREE = 0.01


@dataclass(frozen=True)
class ImportSummary:
    """What was made from what: ``ran`` names the code that was run, ``notes`` what the user has to know or complete."""

    kind: str
    path: Path
    ran: tuple[str, ...]
    notes: tuple[str, ...]
    difference: float


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
            f"the converted network gives other values than its source (by up to {difference:.3g}); it is not imported"
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
        raise ModelFolderError(f"the converted network does not run on OpenVINO: {reason}") from error
    return output


def largest_difference(a: Array, b: Array) -> float:
    """The largest absolute difference; infinite where the shapes differ."""
    return float(np.abs(a - b).max()) if a.shape == b.shape else float("inf")


def probe(run: Callable[[FloatTensor], FloatTensor], channels: int, patch: tuple[int, ...]) -> GoldenCase:
    """A golden case on noise, at a quarter, half or whole of ``patch``: the smallest size that the network takes.

    Raises:
        ModelFolderError: it takes none of them, or its output has not the size of its input.
    """
    reason = ""
    for divisor in (4, 2, 1):
        size = tuple(max(1, n // divisor) for n in patch)
        noise = np.random.default_rng(0).standard_normal((1, channels, *size))
        image = noise.astype(np.float16).astype(np.float32)
        try:
            output = run(image)
        except (ModelFolderError, RuntimeError, ValueError, IndexError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
            continue
        if output.ndim == image.ndim and output.shape[2:] == size:
            return GoldenCase(image, output)
        reason = f"for an input of {image.shape} it gives {output.shape}; only segmentation can be imported"
    raise ModelFolderError(f"the network does not run on a patch of {patch} voxels: {reason}")


def guessed_spec(name: str, network: NetworkSpec, golden: GoldenCase, source: str) -> tuple[ModelSpec, tuple[str, ...]]:
    """The description of a network that came without one, and what the user has to complete in it."""
    channels, classes = golden.input.shape[1], golden.output.shape[1]
    threshold = 0.5 if classes == 1 else None
    spec = ModelSpec(
        name=name,
        version="1",
        task="segment",
        summary=f"Imported from {source}.",
        channels=channel_names(channels),
        network=network.model_copy(update={"threshold": threshold}),
        labels=labels_from({value: f"label {value}" for value in range(1, max(classes, 2))}),
        origin=Origin(source=source, data="not stated in the file", licence="not stated in the file"),
    )
    note = (
        f"the file does not say how scans are prepared for it: complete spacing, intensity, orientation, channels, "
        f"labels, licence and summary in {SPEC_FILE}"
    )
    return spec, (note,) if threshold is None else (note, "it has one output channel: check the threshold")


def channel_names(count: int) -> tuple[str, ...]:
    """Names for channels that have none."""
    return ("image",) if count == 1 else tuple(f"image {number}" for number in range(1, count + 1))


def labels_from(names: Mapping[int, str]) -> dict[int, Label]:
    """Labels with a colour each."""
    return {value: Label(name=name, colour=palette_colour(value)) for value, name in names.items()}
