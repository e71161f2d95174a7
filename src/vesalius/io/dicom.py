"""DICOM files, of any mix of series, grouped and ordered by what their headers say, never by their names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from vesalius.errors import InputError, UnsuitableScanError
from vesalius.io.dicom_file import looks_like_dicom
from vesalius.io.dicom_geometry import Stack, repeats, stacked, unplaced
from vesalius.io.dicom_header import Header, read_header
from vesalius.io.dicom_pixels import inverted, read_pixels
from vesalius.io.format import Reading, unreadable
from vesalius.volume import Source, Volume

_SUFFIXES = (".dcm", ".dicom", ".ima")
_SAME_DIRECTION = 1e-4
_COLOURS = ("red", "green", "blue")


def recognises(path: Path, head: bytes) -> bool:
    """By suffix, or by the way a DICOM file begins."""
    return path.suffix.lower() in _SUFFIXES or looks_like_dicom(head)


def read(paths: Sequence[Path]) -> Reading:
    """One volume per series and, within a series, per orientation, size and spacing of its images.

    Images at one place become channels. A radiograph of type MONOCHROME1 is inverted, so that bright is dense; the
    window (VOI LUT) is not applied.
    """
    images, problems = _headers(paths)
    volumes: list[Volume] = []
    for part in _parts(images):
        try:
            volumes.append(_volume(part))
        except InputError as error:
            problems.append(error)
    return Reading(tuple(volumes), tuple(problems))


def _headers(paths: Sequence[Path]) -> tuple[list[Header], list[InputError]]:
    images: list[Header] = []
    problems: list[InputError] = []
    for path in paths:
        try:
            header = read_header(path)
        except InputError as error:
            problems.append(error)
        except OSError as error:
            problems.append(unreadable(path, error))
        else:
            if header is not None:
                images.append(header)
    if not images and not problems:
        where = paths[0] if len(paths) == 1 else paths[0].parent
        problems.append(
            UnsuitableScanError(f"{where} is DICOM without an image, as a report or a plan; hand in images")
        )
    return images, problems


def _parts(images: Iterable[Header]) -> Iterator[list[Header]]:
    """The images of each volume, in the order of the files."""
    series: dict[tuple[object, ...], list[Header]] = defaultdict(list)
    for image in images:
        series[_series_key(image)].append(image)
    for members in series.values():
        for parallel in _parallel(members):
            yield from _by_kind(parallel)


def _series_key(image: Header) -> tuple[object, ...]:
    """What the images of a volume share: the patient too, where a faulty export gave two of them the same UIDs."""
    uids = (image.patient, image.study_uid, image.series_uid, image.frame_of_reference_uid)
    looks = (image.modality, image.rows, image.columns, image.encoding.photometric)
    return (*uids, *looks, None if image.has_place else image.path)


def _parallel(images: Sequence[Header]) -> list[list[Header]]:
    """``images`` by direction and pixel spacing, which decimals make differ a little within a scan."""
    groups: list[list[Header]] = []
    for image in images:
        for group in groups:
            if _is_parallel(image, group[0]):
                group.append(image)
                break
        else:
            groups.append([image])
    return groups


def _is_parallel(one: Header, other: Header) -> bool:
    if not one.has_place:
        return True
    spacings = ((one.row_spacing, one.column_spacing), (other.row_spacing, other.column_spacing))
    return np.allclose(one.directions, other.directions, rtol=0, atol=_SAME_DIRECTION) and spacings[0] == spacings[1]


def _by_kind(images: list[Header]) -> list[list[Header]]:
    """Where several images lie at one place, those of different kinds (magnitude, phase, water, fat) are apart."""
    kinds = {image.image_type for image in images}
    if len(kinds) == 1 or not images[0].has_place or not repeats(images):
        return [images]
    return [[image for image in images if image.image_type == kind] for kind in sorted(kinds)]


def _volume(images: Sequence[Header]) -> Volume:
    unique = {(image.instance_uid or image.path, str(image.position)): image for image in images}
    first, *_ = images
    stack = stacked(list(unique.values())) if first.has_place else unplaced(first)
    notes = list(stack.notes)
    if len(unique) < len(images):
        notes.append(f"{len(images) - len(unique)} of the images are there twice; one copy of each is used")
    if inverted(first):
        notes.append("the image is stored with bright for little (MONOCHROME1); it was inverted")
    return Volume(
        partial(read_pixels, stack.slices),
        stack.geometry,
        modality=first.modality,
        channels=_channels(first, len(stack.slices[0])),
        source=_source(stack),
        notes=tuple(notes),
    )


def _channels(first: Header, frames: int) -> tuple[str, ...]:
    if first.encoding.channels == 1:
        return ("image",) if frames == 1 else tuple(f"t{n}" for n in range(frames))
    if frames > 1:
        raise UnsuitableScanError(f"the series in {first.path.parent} has several colour images at one place; split it")
    return _COLOURS


def _source(stack: Stack) -> Source:
    first = stack.slices[0][0]
    return Source(
        paths=tuple(str(image.path) for images in stack.slices for image in images),
        format="DICOM",
        series_uid=first.series_uid or None,
        study_uid=first.study_uid or None,
        frame_of_reference_uid=first.frame_of_reference_uid or None,
        description=first.description,
        orientation_known=first.has_place,
    )
