"""Reading other tools' files as data: JSON, and PyTorch checkpoints without unpickling more than tensors."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from vesalius.errors import ModelFolderError
from vesalius.extras import require

# Training logs hold numpy scalars; numpy 1 and 2 name what builds them differently.
_SCALAR = np.float64(0).__reduce__()[0]
_SAFE_GLOBALS = [
    (_SCALAR, "numpy.core.multiarray.scalar"),
    (_SCALAR, "numpy._core.multiarray.scalar"),
    np.dtype,
    *(type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i4", "i8", "?")),
]


def load_checkpoint(path: Path) -> dict[str, Any]:
    """A PyTorch checkpoint's dictionary of tensors, numbers, strings and containers of these.

    Raises:
        ModelFolderError: it is missing or damaged, or holds anything else.
    """
    torch = require("torch", "import")
    if not path.is_file():
        raise ModelFolderError(f"{path} is missing; the weights are expected there")
    try:
        with torch.serialization.safe_globals(_SAFE_GLOBALS):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelFolderError(
            f"{path} holds more than tensors and plain data, or is damaged, and is not unpickled: {_reason(error)}"
        ) from error
    except (RuntimeError, EOFError, OSError) as error:
        raise ModelFolderError(
            f"{path} cannot be read as a PyTorch checkpoint: {str(error).splitlines()[0]}"
        ) from error
    if not isinstance(content, dict):
        raise ModelFolderError(f"{path} must hold a dictionary of tensors, it holds a {type(content).__name__}")
    return content


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file that holds an object.

    Raises:
        ModelFolderError: it does not.
    """
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ModelFolderError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(content, dict):
        raise ModelFolderError(f"{path} must hold a JSON object, it holds a {type(content).__name__}")
    return content


def load_into(network: Any, tensors: dict[str, Any], path: Path) -> None:
    """Load a state dict, every key of it.

    Raises:
        ModelFolderError: the names or shapes do not fit.
    """
    try:
        network.load_state_dict(tensors)
    except (RuntimeError, AttributeError) as error:
        lines = [line.strip() for line in str(error).splitlines()]
        raise ModelFolderError(
            f"the weights in {path} do not fit the network described beside them: {lines[-1]}"
        ) from error


def _reason(error: Exception) -> str:
    """The global that was refused, out of torch's long advice on how to allow it."""
    lines = [line.strip() for line in str(error).splitlines() if "GLOBAL" in line or "Unsupported" in line]
    return lines[0] if lines else str(error).strip().splitlines()[0]
