"""Optional packages: imported in one place, so that a missing one is a sentence that says what to install."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from vesalius.errors import MissingExtraError


def require(module: str, extra: str) -> ModuleType:
    """Import ``module``, which ``pip install 'vesalius[extra]'`` brings.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise
        raise MissingExtraError(
            f"this needs the package {error.name!r}, which is not installed; run: pip install 'vesalius[{extra}]'"
        ) from error


def openvino() -> ModuleType:
    """OpenVINO, which is no extra, without its model converter.

    The converter, which nothing here uses, brings a telemetry client and half of the import's time. OpenVINO does
    without it where it cannot be imported; a program that asks for `openvino.tools.ovc` itself gets it still.
    """
    if "openvino" not in sys.modules:
        converter = "openvino.tools.ovc"
        sys.modules[converter] = None  # type: ignore[assignment]  # how Python marks what must not be imported
        try:
            importlib.import_module("openvino")
        finally:
            del sys.modules[converter]
    return sys.modules["openvino"]
