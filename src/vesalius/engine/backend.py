"""What runs a network: one small Protocol in front of torch, OpenVINO and ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from vesalius.volume import Array

EngineName = Literal["openvino", "onnxruntime", "torch"]
Precision = Literal["f32", "bf16", "f16"]
Output = Literal["labels", "scores"]
FloatTensor = NDArray[np.float32]


@dataclass(frozen=True)
class BackendInfo:
    """Which library runs the network, in what arithmetic, on what."""

    engine: EngineName
    precision: Precision
    device: str


class Backend(Protocol):
    """A network ready to run on tiles of one fixed size.

    It is opened for a tile shape, because both the memory that a run takes and the fastest kernels depend on it.
    ``classes`` is L, the number of output channels. One that ``decides`` takes the arg-max within the network: then the
    scores never exist outside it, and the output is labels.
    """

    info: BackendInfo
    classes: int
    decides: bool

    def run(self, batch: FloatTensor) -> Array:
        """(N, C, I, J, K) float32, C-contiguous → scores (N, L, I, J, K) float32, or labels (N, 1, I, J, K) uint8.

        The next run may write over the result.
        """

    def memory_bytes(self) -> int:
        """An estimate of what a run adds to the process's memory at its peak."""
