"""Golden cases: a tiny input of a network and the output that its source gave, to notice when ours gives another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vesalius.errors import ModelFolderError
from vesalius.models.folder import ModelFolder, read_tensors
from vesalius.models.graph import write_tensors
from vesalius.models.spec import NetworkSpec
from vesalius.volume import Array

FloatTensor = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class GoldenCase:
    """``input`` (1, C, I, J, K), network-ready, and the expected ``output`` (1, L, I, J, K), of a classifier (1, L)."""

    input: FloatTensor
    output: FloatTensor


def read_golden(folder: ModelFolder, network: NetworkSpec) -> GoldenCase:
    """The golden case of one of the model's networks.

    Raises:
        ModelFolderError: it is missing or damaged.
    """
    path = folder.golden(network)
    tensors = read_tensors(path)
    image, output = tensors.get("input"), tensors.get("output")
    if image is None or output is None or image.ndim != 5 or not _fits(image, output):
        raise ModelFolderError(
            f"{path} must hold the tensors 'input' (1, C, I, J, K) and 'output' (1, L, I, J, K); get the model anew"
        )
    return GoldenCase(np.ascontiguousarray(image, np.float32), np.ascontiguousarray(output, np.float32))


def _fits(image: Array, output: Array) -> bool:
    """Scores a voxel have the size of the image; scores a scan have none."""
    return output.ndim == 2 or (output.ndim == 5 and image.shape[2:] == output.shape[2:])


def write_golden(case: GoldenCase, path: Path) -> None:
    """Write a golden case: the input in half precision, the output too where that keeps it to 0.0005.

    An ``input`` that is not exact in half precision would not be the one that gave the output.

    Raises:
        ValueError: it is not.
    """
    image = case.input.astype(np.float16)
    if not np.array_equal(image, case.input):
        raise ValueError("round the golden input to half precision before running the network on it")
    small = float(np.abs(case.output).max()) <= 1
    path.parent.mkdir(exist_ok=True)
    write_tensors({"input": image, "output": case.output.astype(np.float16 if small else np.float32)}, path)
