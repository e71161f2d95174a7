"""Output that is there whole or not at all: written aside under a hidden name, then renamed into place."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vesalius.errors import NotEnoughDiskError, OutputError, VesaliusError

# EFBIG is a limit on the size of files (ulimit, or the file system's own): for the reader of the message, no room.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NEARLY_NOTHING = 64 * 1024
_LAST = "report.json"


@contextmanager
def aside(target: Path) -> Iterator[Path]:
    """Yield a hidden path beside ``target``, with its suffixes; what is written there replaces it on success.

    After any exception, Ctrl-C included, nothing of the temporary file is left and ``target`` is as it was.

    Raises:
        NotEnoughDiskError: the disk, or the user's share of it, is full.
        OutputError: ``target`` is a folder, or nothing can be written there.
    """
    place = _resolved(target)
    if place.is_dir():
        raise OutputError(f"{target} is a folder; name a file in it to write to")
    temporary = place.with_name(f".{os.urandom(4).hex()}-{place.name.lower()}")  # ITK knows no .MHA
    try:
        yield temporary
        temporary.replace(place)
    except OSError as error:
        raise write_error(target, error) from error
    finally:
        with suppress(OSError):  # it was never there, or has been renamed
            temporary.unlink()


@contextmanager
def aside_folder(target: Path) -> Iterator[Path]:
    """Yield a hidden empty folder; on success its files move into the folder ``target``, made where it is missing.

    Files of the same name are replaced one by one, any other file in ``target`` stays. ``report.json`` comes last: a
    reader that sees it sees the rest. After an exception, Ctrl-C included, the temporary folder is gone.

    Raises:
        NotEnoughDiskError: the disk, or the user's share of it, is full.
        OutputError: ``target`` is a file, or nothing can be written there.
    """
    import shutil

    place = _resolved(target)
    if place.exists() and not place.is_dir():
        raise OutputError(f"{target} is a file; name a folder to write to")
    temporary = _hidden_folder_for(place)
    try:
        try:
            temporary.mkdir(parents=True)
            yield temporary
            _move_into(temporary, place)
        except OSError as error:
            raise write_error(target, error) from error
        except (NotEnoughDiskError, OutputError) as error:  # of a file in it, under the hidden name
            raise type(error)(str(error).replace(str(temporary), str(target))) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_error(target: Path, error: Exception) -> VesaliusError:
    """The error to raise when writing ``target`` failed with ``error``.

    Some libraries report a full disk without its error number; then the room that is left decides.
    """
    number = error.errno if isinstance(error, OSError) else None
    if number in _FULL or (number is None and _free_bytes(target) < _NEARLY_NOTHING):
        return NotEnoughDiskError(f"there is no room left to write {target}; free some space or write elsewhere")
    reason = (os.strerror(number) if number is not None else str(error).strip() or type(error).__name__).rstrip(".")
    return OutputError(f"{target} cannot be written: {reason}; choose another place or name")


def _resolved(target: Path) -> Path:
    """Where a link leads to, so that the linked file is replaced and not the link."""
    return Path(os.path.realpath(target))


def _hidden_folder_for(place: Path) -> Path:
    """Inside ``place`` where it exists: the folder above may be read-only or on another disk, as in a container."""
    name = f".{os.urandom(4).hex()}-{place.name}"
    return place / name if place.is_dir() else place.with_name(name)


def _move_into(source: Path, place: Path) -> None:
    if not place.exists():
        source.replace(place)
        return
    files = sorted((path for path in source.rglob("*") if path.is_file()), key=lambda path: path.name == _LAST)
    for path in files:
        to = place / path.relative_to(source)
        to.parent.mkdir(parents=True, exist_ok=True)
        path.replace(to)


def _free_bytes(target: Path) -> int:
    import shutil

    try:
        return shutil.disk_usage(_resolved(target).parent).free
    except OSError:
        return _NEARLY_NOTHING
