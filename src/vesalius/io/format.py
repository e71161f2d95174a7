"""The contract of a file format: one module each, which knows its files and turns them into volumes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Protocol

from vesalius.errors import InputError, UnreadableScanError
from vesalius.volume import Volume

if TYPE_CHECKING:
    from vesalius.results import Labelmap

HEAD_BYTES = 352
_LONGEST_REASON = 240


@dataclass(frozen=True)
class Reading:
    """What some files hold: the scans, and for what could not be used, why."""

    volumes: tuple[Volume, ...] = ()
    problems: tuple[InputError, ...] = ()


class Reader(Protocol):
    """A format that is read. A module with these functions is one."""

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether this format is the one to read ``path``, by its name or its first `HEAD_BYTES` bytes ``head``."""

    def read(self, paths: Sequence[Path]) -> Reading:
        """The scans in ``paths``, all of which it recognises.

        Reads headers only: voxels come when they are first asked for. Voxels keep their stored order and values, with
        the format's own scaling applied; the geometry is RAS+ and exact. A file that cannot be used is a problem of
        the `Reading`, in a sentence that names the file, and does not keep the others from being read.
        """


class Writer(Protocol):
    """A format that is written. A module with this function is one."""

    def write(self, item: Volume | Labelmap, path: Path) -> None:
        """Write ``item`` to ``path``, on its own grid and with its own values; ``path`` has a suffix of the format.

        Raises:
            OutputError: the format cannot hold this item, or the file cannot be written.
            NotEnoughDiskError: the disk is full.
        """


def read_each(paths: Sequence[Path], read_one: Callable[[Path], Volume]) -> Reading:
    """The `Reading` of files that hold one scan each."""
    volumes: list[Volume] = []
    problems: list[InputError] = []
    for path in paths:
        try:
            volumes.append(read_one(path))
        except InputError as error:
            problems.append(error)
        except OSError as error:
            problems.append(unreadable(path, error))
    return Reading(tuple(volumes), tuple(problems))


def unreadable(path: Path, reason: str | Exception) -> UnreadableScanError:
    """The error for a file that a library could not read: its complaint, on one line, is the reason."""
    text = (reason.strerror or "") if isinstance(reason, OSError) else ""
    text = shorten(text or str(reason) or type(reason).__name__, _LONGEST_REASON, placeholder=" …").rstrip(".")
    return UnreadableScanError(f"{path} cannot be read, it may be damaged or incomplete: {text}")
