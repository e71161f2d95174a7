"""Vesalius: from a medical scan to an explained, measured, three-dimensional answer.

The whole interface is here; nothing heavy is imported before it is first used::

    import vesalius as vs

    scan = vs.read("head.nii.gz")
    report = vs.analyze(scan, "brain", out="result")
    print(report.measurements["brain"].volume_ml)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from vesalius import errors
from vesalius._version import __version__

if TYPE_CHECKING:
    from vesalius.analysis import analyze, verify
    from vesalius.io import read, read_all, write
    from vesalius.results import (
        Attribution,
        Box,
        Boxes,
        Deformation,
        Label,
        Labelmap,
        Measurement,
        Report,
        Scores,
    )
    from vesalius.volume import Geometry, IndexBox, Source, Volume

__all__ = [
    "Attribution",
    "Box",
    "Boxes",
    "Deformation",
    "Geometry",
    "IndexBox",
    "Label",
    "Labelmap",
    "Measurement",
    "Report",
    "Scores",
    "Source",
    "Volume",
    "__version__",
    "analyze",
    "errors",
    "read",
    "read_all",
    "verify",
    "write",
]

_HOMES = {
    "vesalius.analysis": ("analyze", "verify"),
    "vesalius.io": ("read", "read_all", "write"),
    "vesalius.results": (
        "Attribution", "Box", "Boxes", "Deformation", "Label", "Labelmap", "Measurement", "Report", "Scores",
    ),
    "vesalius.volume": ("Geometry", "IndexBox", "Source", "Volume"),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            value = getattr(importlib.import_module(home), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'vesalius' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
