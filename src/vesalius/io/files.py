"""From a path to volumes and from a result to a file: which format reads and writes what."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vesalius.errors import (
    InputError,
    OutputError,
    ScanNotFoundError,
    SeveralSeriesError,
    UnreadableScanError,
)
from vesalius.io import dicom, itk, nifti, picture
from vesalius.io.describe import describe
from vesalius.io.format import HEAD_BYTES, Reader, Reading, Writer, unreadable
from vesalius.volume import Volume

if TYPE_CHECKING:
    from vesalius.results import Labelmap

# The first that recognises a file reads it.
_READERS: dict[str, Reader] = {"DICOM": dicom, "NIfTI": nifti, "NRRD or MetaImage": itk, "PNG, JPEG or TIFF": picture}
_WRITERS: dict[str, Writer] = {".nii": nifti, ".nii.gz": nifti, ".nrrd": itk, ".mha": itk, ".png": picture}
_MOST_LISTED = 10


def read(path: str | Path) -> Volume:
    """The one scan at ``path``, a file or a folder; its voxels are read when they are first asked for.

    Raises:
        ScanNotFoundError: there is nothing at ``path``, or nothing that can be read as a scan.
        SeveralSeriesError: several series are there; the message lists them.
        UnreadableScanError: damaged, truncated or of no known format.
        GeometryError: where the voxels lie is missing or contradictory.
        UnsuitableScanError: DICOM without an image or of several frames, complex numbers and the like.
    """
    volumes = read_all(path)
    if len(volumes) == 1:
        return volumes[0]
    listed = "; ".join(f"({n}) {describe(volume)}" for n, volume in enumerate(volumes[:_MOST_LISTED], start=1))
    more = "; …" if len(volumes) > _MOST_LISTED else ""
    raise SeveralSeriesError(
        f"{path} holds {len(volumes)} series: {listed}{more}; name the file or folder of one, or take out number N "
        f"with: vesalius convert {path} ONE.nii.gz --series N"
    )


def read_all(path: str | Path) -> list[Volume]:
    """Every series at ``path``, a file or a folder searched with all folders in it; otherwise as `read`.

    What could not be read beside them is named in the notes of each.
    """
    path = Path(path)
    files = _files(path)
    reading = _reading(path, files)
    if not reading.volumes:
        raise _nothing_read(path, reading.problems)
    notes = tuple(f"left out: {problem}" for problem in reading.problems)
    return [replace(volume, notes=volume.notes + notes) for volume in reading.volumes]


def write(item: Volume | Labelmap, path: str | Path) -> None:
    """Write ``item`` to ``path``, whole or not at all, in the format that its suffix names.

    Raises:
        OutputError: no such format, one that cannot hold this item, or nothing can be written there.
        NotEnoughDiskError: the disk is full.
    """
    path = Path(path)
    for suffix, writer in _WRITERS.items():
        if path.name.lower().endswith(suffix):
            writer.write(item, path)
            return
    raise OutputError(f"{path} names no format that is written; end it in one of {', '.join(_WRITERS)}")


def _files(path: Path) -> list[Path]:
    """``path`` itself, or what lies in that folder and those in it, hidden files left out."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ScanNotFoundError(f"there is no file or folder {path}; check the name")
    return list(_walk(path))


def _walk(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(where, name) for name in sorted(names) if not name.startswith("."))


def _reading(path: Path, files: Sequence[Path]) -> Reading:
    """What every format makes of the files it recognises."""
    by_format: dict[str, list[Path]] = defaultdict(list)
    problems: list[InputError] = []
    for file in files:
        try:
            name = _recognised(file)
        except OSError as error:
            problems.append(unreadable(file, error))
            continue
        if name is not None:
            by_format[name].append(file)
        elif file == path:
            problems.append(UnreadableScanError(f"{path} is of no known format; {', '.join(_READERS)} are read"))
    readings = [_READERS[name].read(files) for name, files in by_format.items()]
    volumes = tuple(volume for reading in readings for volume in reading.volumes)
    return Reading(volumes, (*problems, *(problem for reading in readings for problem in reading.problems)))


def _recognised(file: Path) -> str | None:
    with file.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    return next((name for name, reader in _READERS.items() if reader.recognises(file, head)), None)


def _nothing_read(path: Path, problems: Sequence[InputError]) -> InputError:
    if not problems:
        return ScanNotFoundError(f"{path} holds no scan; {', '.join(_READERS)} are read")
    first, *others = problems
    if not others:
        return first
    return type(first)(f"{first} (and {len(others)} other files or series in {path} cannot be read)")
