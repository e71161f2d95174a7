"""Optional packages: imported in one place, so that a missing one is a sentence that says what to install."""

from __future__ import annotations

import importlib
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
