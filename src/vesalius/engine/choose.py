"""Which engine, device and arithmetic run a network: those asked for, or the fastest that pass the golden case."""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import platform
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vesalius.engine.backend import Backend, BackendInfo, EngineName, Output, Precision
from vesalius.engine.cache import recall, remember
from vesalius.errors import ModelFolderError, UsageError
from vesalius.models.folder import ModelFolder
from vesalius.models.golden import GoldenCase, read_golden
from vesalius.models.spec import ModelSpec, NetworkSpec

Device = Literal["cpu", "cuda"]
_VERDICTS = "precision.json"
_SUPPORTED: dict[EngineName, tuple[Precision, ...]] = {
    "openvino": ("f32", "bf16", "f16"),
    "onnxruntime": ("f32",),
    "torch": ("f32", "bf16", "f16"),
}
# A golden case is small and so mostly border, where labels tip over: `brain` keeps 99.87 % of its golden labels in bf16
# and 99.99 % of those of a whole head.
_SAME_LABELS = 0.998


@dataclass(frozen=True)
class EngineChoice:
    """What the user asked for; "auto" leaves it to the machine."""

    engine: EngineName | Literal["auto"] = "auto"
    precision: Precision | Literal["auto"] = "auto"
    device: Device | Literal["auto"] = "auto"


@dataclass(frozen=True)
class GoldenVerdict:
    """How a backend does on a network's golden case."""

    info: BackendInfo
    difference: float
    same_labels: float
    agrees: bool


def open_backend(
    folder: ModelFolder, network: NetworkSpec, shape: tuple[int, ...], choice: EngineChoice, output: Output = "labels"
) -> Backend:
    """A backend for tiles of ``shape`` (N, C, I, J, K); it may decide where ``output`` is labels.

    Arithmetic below f32 is taken on its own account only where the golden case comes out with the same labels.

    Raises:
        UsageError: what was asked for cannot run this network here.
    """
    *faster, last = candidates(network, choice)
    info = next((info for info in faster if _agrees(folder, network, info)), last)
    decides = output == "labels" and _may_decide(folder.spec, network)
    return _open(folder, network, shape, info, decides=decides)


def _may_decide(spec: ModelSpec, network: NetworkSpec) -> bool:
    """Whether no more than the labels of the largest scores is made of the network's output."""
    segments = spec.task == "segment" and not spec.post.needs_probabilities
    return segments and network.grid.kind == "whole" and network.threshold is None


def candidates(network: NetworkSpec, choice: EngineChoice) -> list[BackendInfo]:
    """What ``choice`` allows here, the fastest first; all but the last must prove themselves on the golden case.

    Raises:
        UsageError: what was asked for cannot run this network here.
    """
    device = _device(choice)
    engine = _engine(choice, network, device)
    if choice.precision == "auto":
        return [BackendInfo(engine, precision, device) for precision in (*_fast_precisions(engine, device), "f32")]
    if choice.precision not in _SUPPORTED[engine]:
        raise UsageError(f"{engine} does not run in {choice.precision} here; it has {', '.join(_SUPPORTED[engine])}")
    return [BackendInfo(engine, choice.precision, device)]


def judge(folder: ModelFolder, network: NetworkSpec, info: BackendInfo) -> GoldenVerdict:
    """Run the golden case of ``network`` and compare: f32, images and a classifier's scores by value, others by label.

    Raises:
        ModelFolderError: the network gives something of another shape.
    """
    golden = read_golden(folder, network)
    backend = _open(folder, network, golden.input.shape, info)
    output = np.array(backend.run(golden.input))
    if output.shape != golden.output.shape:
        raise ModelFolderError(
            f"the golden case of {folder.spec.name!r} gives {output.shape}, {golden.output.shape} was expected"
        )
    difference = float(np.abs(output - golden.output).max())
    same = _same_labels(output, golden, network)
    exact = info.precision == "f32" or folder.spec.task == "classify" or _restores(folder.spec, network)
    agrees = same >= _SAME_LABELS and (not exact or difference <= network.tolerance)
    return GoldenVerdict(info, difference, same, agrees)


def _restores(spec: ModelSpec, network: NetworkSpec) -> bool:
    """Whether the network's output is an image, which has no labels to compare."""
    return spec.familiarity is not None and network == spec.familiarity.network


def _same_labels(
    output: np.ndarray[tuple[int, ...], np.dtype[np.float32]], golden: GoldenCase, network: NetworkSpec
) -> float:
    if network.threshold is not None:
        return float(((output > network.threshold) == (golden.output > network.threshold)).mean())
    return float((output.argmax(axis=1) == golden.output.argmax(axis=1)).mean())


def _agrees(folder: ModelFolder, network: NetworkSpec, info: BackendInfo) -> bool:
    """The verdict on the golden case, remembered for this network, library version and processor."""
    from vesalius.engine.backends.openvino import version

    library = version() if info.engine == "openvino" else importlib.metadata.version(info.engine)
    key = " ".join((network.sha256, info.engine, library, info.precision, info.device, platform.processor()))
    known = recall(_VERDICTS, key)
    if known is None:
        known = float(judge(folder, network, info).agrees)
        remember(_VERDICTS, key, known)
    return bool(known)


def _open(
    folder: ModelFolder, network: NetworkSpec, shape: tuple[int, ...], info: BackendInfo, *, decides: bool = False
) -> Backend:
    graph = folder.file(network.graph)
    if info.engine == "openvino":
        from vesalius.engine.backends.openvino import OpenVinoBackend

        return OpenVinoBackend(graph, shape, info.precision, decides=decides)
    if info.engine == "onnxruntime":
        from vesalius.engine.backends.onnxruntime import OnnxRuntimeBackend

        return OnnxRuntimeBackend(graph, shape, info.device)
    from vesalius.engine.backends.torch import TorchBackend

    return TorchBackend(folder, network, shape, info.precision, info.device)


def _engine(choice: EngineChoice, network: NetworkSpec, device: Device) -> EngineName:
    if choice.engine == "auto":
        return "torch" if device == "cuda" and network.net is not None else "openvino"
    if choice.engine == "openvino" and device == "cuda":
        raise UsageError("openvino runs on the CPU here; use --engine torch with --device cuda")
    return choice.engine


def _device(choice: EngineChoice) -> Device:
    if choice.device == "cuda" and not cuda_present():
        raise UsageError("--device cuda was asked for, but there is no NVIDIA GPU with a driver here")
    if choice.device != "auto":
        return choice.device
    wants_gpu = choice.engine in {"auto", "torch"} and importlib.util.find_spec("torch") is not None
    return "cuda" if wants_gpu and cuda_present() else "cpu"


def cuda_present() -> bool:
    """Whether an NVIDIA driver with at least one GPU answers; asked without importing torch, which takes seconds."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if platform.system() == "Windows" else "libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0


def _fast_precisions(engine: EngineName, device: Device) -> tuple[Precision, ...]:
    if engine == "openvino":
        from vesalius.engine.backends.openvino import fast_precisions

        return fast_precisions()
    return ("bf16",) if engine == "torch" and device == "cuda" else ()
