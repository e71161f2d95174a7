"""What a run will take, known before it starts, and what it took."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path
from typing import Any

import psutil

from vesalius.errors import NotEnoughMemoryError

_BLOCK = re.compile(r"(\d+)([a-z])$")
_ITEM_SIZES = {"f32": 4, "i32": 4, "u32": 4, "bf16": 2, "f16": 2, "i8": 1, "u8": 1, "boolean": 1, "i64": 8, "f64": 8}


def resident_bytes() -> int:
    """Memory of this process that is in RAM now."""
    return int(psutil.Process().memory_info().rss)


def peak_bytes() -> int:
    """The most memory of this process that was in RAM at once since it started.

    Linux's own account of the process is used where there is one: ``ru_maxrss`` also counts what its parent had.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def require_memory(estimate: int, what: str, suggestion: str) -> None:
    """Refuse work that would not fit.

    Args:
        estimate: bytes of the whole process at its peak.
        what: the work, as the subject of the message's sentence.
        suggestion: what the user can do about it.

    Raises:
        NotEnoughMemoryError: the estimate exceeds what is free plus what this process already has.
    """
    available = psutil.virtual_memory().available + resident_bytes()
    if estimate > available:
        needed, free = f"{estimate / 2**30:.1f} GiB", f"{available / 2**30:.1f} GiB"
        raise NotEnoughMemoryError(f"{what} needs about {needed} of memory and {free} are free; {suggestion}")


def liveness_peak(operations: list[Any]) -> int:
    """Bytes of the tensors alive at once, at most, while an OpenVINO graph runs, its inputs and outputs left out.

    ``operations`` are in execution order. A tensor lives from the operation that makes it to the last that reads it.
    """
    position = {operation.get_friendly_name(): n for n, operation in enumerate(operations)}
    change = [0] * (len(operations) + 1)
    for n, operation in enumerate(operations):
        if _kind(operation) in {"Const", "Constant", "Input", "Parameter", "Output", "Result"}:
            continue
        for port, output in enumerate(operation.outputs()):
            readers = [target.get_node() for target in output.get_target_inputs()]
            if any(_kind(reader) in {"Output", "Result"} for reader in readers):
                continue
            last = max((position[reader.get_friendly_name()] for reader in readers), default=n)
            size = _tensor_bytes(operation, output, port)
            change[n] += size
            change[last + 1] -= size
    alive = peak = 0
    for difference in change:
        alive += difference
        peak = max(peak, alive)
    return peak


def _kind(operation: Any) -> str:
    info = operation.get_rt_info()
    return str(info["layerType"].astype(str)) if "layerType" in info else str(operation.get_type_name())


def _tensor_bytes(operation: Any, output: Any, port: int) -> int:
    """Bytes of one output, with the channel padding of the blocked layout that the CPU plug-in chose for it."""
    shape = [int(n) for n in output.get_shape()]
    item = output.get_element_type().size
    info = operation.get_rt_info()
    if "outputLayouts" in info:
        layouts = info["outputLayouts"].astype(str).split(",")
        precisions = info["outputPrecisions"].astype(str).split(",")
        block = _BLOCK.search(layouts[min(port, len(layouts) - 1)].strip())
        if block and len(shape) > 1:
            shape[1] = math.ceil(shape[1] / int(block[1])) * int(block[1])
        item = _ITEM_SIZES.get(precisions[min(port, len(precisions) - 1)].strip().lower(), item)
    return math.prod(shape) * int(item)
