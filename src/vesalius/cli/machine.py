"""What `vesalius doctor` finds out: the machine, the engines, the extras, the cache folder."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vesalius._version import __version__
from vesalius.extras import openvino

_REQUIREMENT = re.compile(r"""([\w.-]+)[^;]*;.*extra\s*==\s*['"]([\w-]+)['"]""")


@dataclass(frozen=True)
class Machine:
    """The hardware and the system."""

    system: str
    python: str
    processor: str
    cores: int
    arithmetic: tuple[str, ...]
    memory_bytes: int
    memory_free_bytes: int
    disk_free_bytes: int


@dataclass(frozen=True)
class Engine:
    """A library that runs networks; ``version`` is None where it does not load, and ``note`` says why."""

    name: str
    version: str | None
    note: str


@dataclass(frozen=True)
class Extra:
    """A group of optional packages and, where some are missing, the command that installs them."""

    name: str
    missing: tuple[str, ...]

    @property
    def note(self) -> str:
        """In words."""
        return f"lacks {', '.join(self.missing)}; run: pip install 'vesalius[{self.name}]'" if self.missing else "there"


@dataclass(frozen=True)
class Cache:
    """The folder for things that can be made again."""

    folder: str
    writable: bool


@dataclass(frozen=True)
class Findings:
    """All of it."""

    vesalius: str
    machine: Machine
    engines: tuple[Engine, ...]
    extras: tuple[Extra, ...]
    cache: Cache

    @property
    def ready(self) -> bool:
        """Whether a shipped model can be run."""
        return any(engine.version for engine in self.engines)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "ready": self.ready}


def examine() -> Findings:
    """Look at this machine."""
    probes = {"openvino": _openvino, "onnxruntime": _onnxruntime, "torch": _torch}
    engines = tuple(_engine(name, probe) for name, probe in probes.items())
    return Findings(__version__, _machine(), engines, tuple(_extras()), _cache())


def _machine() -> Machine:
    import psutil

    memory = psutil.virtual_memory()
    affinity = getattr(os, "sched_getaffinity", None)
    processor, arithmetic = _processor()
    return Machine(
        system=f"{platform.platform(terse=True)} {platform.machine()}",
        python=platform.python_version(),
        processor=processor,
        cores=len(affinity(0)) if affinity else os.cpu_count() or 1,
        arithmetic=arithmetic,
        memory_bytes=memory.total,
        memory_free_bytes=memory.available,
        disk_free_bytes=shutil.disk_usage(Path.cwd()).free,
    )


def _processor() -> tuple[str, tuple[str, ...]]:
    """The processor's name, and what it computes in natively, as OpenVINO names it: FP32, BF16."""
    try:
        core = openvino().Core()
        name, arithmetic = (core.get_property("CPU", key) for key in ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES"))
    except (ImportError, RuntimeError):
        return platform.processor() or platform.machine(), ()
    return str(name), tuple(str(kind) for kind in arithmetic)


def _engine(name: str, probe: Callable[[], tuple[str, str]]) -> Engine:
    try:
        version, note = probe()
    except ModuleNotFoundError:
        return Engine(name, None, "not installed")
    except (ImportError, OSError, RuntimeError) as error:
        return Engine(name, None, f"does not load: {' '.join(str(error).split())}")
    return Engine(name, version, note)


def _openvino() -> tuple[str, str]:
    devices = openvino().Core().available_devices
    return importlib.metadata.version("openvino"), f"on {', '.join(devices)}"


def _onnxruntime() -> tuple[str, str]:
    onnxruntime: Any = importlib.import_module("onnxruntime")
    providers = (name.removesuffix("ExecutionProvider") for name in onnxruntime.get_available_providers())
    return str(onnxruntime.__version__), f"on {', '.join(providers)}"


def _torch() -> tuple[str, str]:
    torch: Any = importlib.import_module("torch")
    if not torch.cuda.is_available():
        return str(torch.__version__), "on CPU, no CUDA device"
    return str(torch.__version__), f"on CPU and CUDA {torch.version.cuda}, {torch.cuda.get_device_name(0)}"


def _extras() -> Iterator[Extra]:
    packages: dict[str, list[str]] = {}
    for requirement in importlib.metadata.requires("vesalius") or ():
        if found := _REQUIREMENT.match(requirement):
            packages.setdefault(found[2], []).append(found[1])
    for name, needed in packages.items():
        yield Extra(name, tuple(package for package in needed if not _installed(package)))


def _installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _cache() -> Cache:
    from vesalius.engine.cache import cache_folder

    folder = cache_folder()
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return Cache(str(folder), os.access(existing, os.W_OK))
