"""TorchScript files.

A TorchScript archive is code and tensors. `torch.jit.load` reads it with PyTorch's own restricted unpickler, which
builds tensors and script types only, and compiles the code. That code may then do whatever TorchScript can, files and
endless loops included, so it runs only when the user agrees.
"""

from __future__ import annotations

import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from vesalius.errors import ModelFolderError, UsageError
from vesalius.extras import require
from vesalius.models.golden import FloatTensor
from vesalius.models.graph import trace
from vesalius.models.importers.unknown import ImportSummary, guessed_spec, probe
from vesalius.models.spec import SlidingGrid
from vesalius.models.store import Converted, new_folder, store_network, store_spec
from vesalius.nets import unique_tensors
from vesalius.volume import Shape

_PATCH: Shape = (96, 96, 96)


def import_torchscript(path: Path, out: Path, name: str, *, run_foreign_code: bool = False) -> ImportSummary:
    """Make the model folder ``out`` of a TorchScript file; see `vesalius.models.importers.import_model`."""
    script = load_script(path, run_foreign_code=run_foreign_code)
    network = convert_script(script, first_channels(script), _PATCH, {"grid": SlidingGrid(patch=_PATCH)})
    with new_folder(out) as folder:
        stored, difference = store_network(folder, "network", network)
        spec, notes = guessed_spec(name, stored, network.golden, f"the TorchScript file {path.name}")
        store_spec(folder, spec)
    return ImportSummary("TorchScript", out, (f"the TorchScript in {path.name}",), notes, difference)


def load_script(path: Path, *, run_foreign_code: bool) -> Any:
    """The `torch.jit.ScriptModule` in ``path``, in eval mode.

    Raises:
        UsageError: the user has not agreed to run its code.
        ModelFolderError: it is no TorchScript archive.
    """
    contents = _contents(path)
    if not run_foreign_code:
        raise UsageError(
            f"{path} holds code: {contents}; it would run with your rights; if you trust where it comes from, "
            "add --run-foreign-code"
        )
    torch = require("torch", "import")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # torch's own plans for TorchScript
            return torch.jit.load(path, map_location="cpu").eval()
    except RuntimeError as error:
        raise ModelFolderError(f"{path} cannot be loaded as TorchScript: {str(error).splitlines()[0]}") from error


def convert_script(script: Any, channels: int, patch: Shape, fields: dict[str, Any]) -> Converted:
    """The script as a graph, its tensors, and what it gives for noise."""
    torch = require("torch", "import")

    def run(image: FloatTensor) -> FloatTensor:
        with torch.no_grad():
            return np.asarray(script(torch.from_numpy(image)).numpy(), np.float32)

    golden = probe(run, channels, patch)
    tensors = {key: tensor.numpy() for key, tensor in unique_tensors(script).items()}
    return Converted(trace(script, golden.input.shape), tensors, golden, fields)


def first_channels(script: Any) -> int:
    """Input channels of the first 3D convolution (O, C, I, J, K).

    Raises:
        ModelFolderError: there is none.
    """
    for tensor in script.state_dict().values():
        if tensor.ndim == 5:
            return int(tensor.shape[1])
    raise ModelFolderError("the network has no 3D convolution; only 3D segmentation can be imported")


def _contents(path: Path) -> str:
    """What the archive's code is, in words, without running any."""
    try:
        with zipfile.ZipFile(path) as archive:
            files = [name for name in archive.namelist() if "/code/" in name and name.endswith(".py")]
            code = "\n".join(archive.read(name).decode("utf-8", "replace") for name in files)
    except (OSError, zipfile.BadZipFile) as error:
        raise ModelFolderError(f"{path} cannot be read as a TorchScript archive: {error}") from error
    if not files:
        raise ModelFolderError(
            f"{path} holds tensors but no network: it is a checkpoint, not TorchScript; export the network with "
            "torch.jit.script or to ONNX"
        )
    classes = sorted(set(re.findall(r"^class (\w+)", code, re.MULTILINE)))
    functions = len(re.findall(r"^\s*def ", code, re.MULTILINE))
    shown = ", ".join(classes[:6]) + (", …" if len(classes) > 6 else "")
    return f"{functions} TorchScript functions in the modules {shown}"
