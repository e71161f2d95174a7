"""Writing a file so that it is there whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from vesalius.errors import NotEnoughDiskError, OutputError, VesaliusError


def write_aside(path: Path, chunks: Iterable[bytes]) -> None:
    """Write ``chunks`` beside ``path`` and rename them to it; nothing is left behind where that fails.

    Raises:
        OutputError: the folder is missing or not writable.
        NotEnoughDiskError: the disk is full.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise _cannot_write(path, error) from error
    aside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(chunks)
        aside.chmod(0o644)
        aside.replace(path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        aside.unlink(missing_ok=True)


def _cannot_write(path: Path, error: OSError) -> VesaliusError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return NotEnoughDiskError(f"there is no room left to write {path}; free some space or write elsewhere")
    return OutputError(f"cannot write {path}: {error.strerror or error}; choose a folder that can be written to")
