"""Times contenders on the same work in the same run: interleaved, repeated, with the machine noted.

Interleaving (A B A B, not A A B B) spreads what else the machine does over all contenders alike.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.metadata
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

Timings = dict[str, dict[str, Any]]

_LAUNCHER = """
import json, os, sys, time
start = time.perf_counter()
nowhere = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=nowhere)
_, status, usage = os.wait4(child, 0)
print(json.dumps([time.perf_counter() - start, usage.ru_maxrss, os.waitstatus_to_exitcode(status)]))
"""


@dataclass(frozen=True)
class Process:
    """One run of a command: wall-clock seconds from start to exit, the largest resident memory, the exit code."""

    seconds: float
    peak_bytes: int
    exit_code: int


def measure(functions: Mapping[str, Callable[[], object]], repeats: int, warmup: int = 1) -> Timings:
    """Call each function ``warmup`` times unmeasured, then all in turn, ``repeats`` times over.

    Returns:
        For each name the ``seconds`` of each call and their ``min``, ``median`` and ``max``.
    """
    for function in functions.values():
        for _ in range(warmup):
            function()
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            gc.collect()
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
    return {name: _summary(values) for name, values in seconds.items()}


def measure_commands(commands: Mapping[str, Sequence[str]], repeats: int, warmup: int = 1) -> Timings:
    """Run each command as a process of its own, as `measure` calls functions; the output is thrown away.

    Returns:
        As `measure`, with the largest ``peak_bytes`` of each.

    Raises:
        RuntimeError: a command failed; its standard error is the message.
    """
    runs: dict[str, list[Process]] = {name: [] for name in commands}
    for turn in range(warmup + repeats):
        for name, command in commands.items():
            process = run_process(command)
            if turn >= warmup:
                runs[name].append(process)
    return {
        name: _summary([run.seconds for run in of_one]) | {"peak_bytes": max(run.peak_bytes for run in of_one)}
        for name, of_one in runs.items()
    }


def run_process(command: Sequence[str], *, must_succeed: bool = True) -> Process:
    """Run ``command`` to its end; its memory is the system's own account of it (``wait4``).

    A process starts with the peak of the one that forked it on its account, so that a small one in between forks it.

    Raises:
        RuntimeError: it failed though it must not; its standard error is the message.
    """
    launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, *command]
    done = subprocess.run(launcher, capture_output=True, check=True)
    seconds, peak, code = json.loads(done.stdout)
    if must_succeed and code != 0:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr.decode(errors='replace').strip()}")
    return Process(seconds, peak * (1 if sys.platform == "darwin" else 1024), code)


def machine(packages: Iterable[str] = ()) -> dict[str, Any]:
    """What the figures were measured on: processor, cores, memory, system, Python, versions of ``packages``."""
    versions = {}
    for package in ("vesalius", "numpy", *packages):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return {
        "processor": _processor(),
        "cores": len(psutil.Process().cpu_affinity())
        if hasattr(psutil.Process, "cpu_affinity")
        else psutil.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": versions,
    }


def write_json(path: Path, results: Mapping[str, Any], packages: Iterable[str] = ()) -> None:
    """Write ``results`` with the machine and the time to ``path``."""
    content = {"measured": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine(packages), **results}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, default=_plain) + "\n", encoding="utf-8")


def _summary(seconds: Sequence[float]) -> dict[str, Any]:
    rounded = [round(value, 6) for value in seconds]
    return {"seconds": rounded, "min": min(rounded), "median": statistics.median(rounded), "max": max(rounded)}


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _plain(value: Any) -> Any:
    return asdict(value) if hasattr(value, "__dataclass_fields__") else float(value)
