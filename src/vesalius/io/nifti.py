"""NIfTI-1 and NIfTI-2, .nii and .nii.gz (https://nifti.nimh.nih.gov)."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np

from vesalius.aside import aside
from vesalius.errors import GeometryError, UnreadableScanError, UnsuitableScanError
from vesalius.io.arrays import narrowed, plain, storable
from vesalius.io.format import Reading, read_each, unreadable
from vesalius.io.nifti_header import HEADER_BYTES, NiftiHeader, build, parse, version_of
from vesalius.volume import Array, Geometry, Shape, Source, Volume

if TYPE_CHECKING:
    from vesalius.results import Labelmap

_SUFFIXES = (".nii", ".nii.gz")
_COLOURS = ("red", "green", "blue")
_RGB = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
_GZIP_MAGIC = b"\x1f\x8b"
_DEFLATE_LIMIT = 1032  # no deflate stream grows by more
_SCANNER, _ALIGNED = 1, 2  # values of sform_code and qform_code
_FASTEST = 1  # gzip level: labelmaps shrink well at any, and the others take longer than all else
_DAMAGE = (OSError, EOFError, ValueError, zlib.error)


def recognises(path: Path, head: bytes) -> bool:
    """By suffix, or by the magic string of an uncompressed file."""
    return path.name.lower().endswith(_SUFFIXES) or version_of(head) is not None


def read(paths: Sequence[Path]) -> Reading:
    """One scan a file; see `read_one`."""
    return read_each(paths, read_one)


def read_one(path: Path) -> Volume:
    """The scan in ``path``: the sform is its geometry where it is set, else the qform. 4D gives one channel a frame.

    Raises:
        UnreadableScanError: it is no NIfTI, or is too short for what its header announces.
        GeometryError: the affine is zero, singular or not finite.
        UnsuitableScanError: it holds complex numbers, or more dimensions than frames or parts of a voxel.
    """
    with _stream(path) as stream:
        header = _header(path, stream)
    shape, channels = _layout(path, header.shape, header.dtype)
    _check_size(path, header)
    known = header.orientation_known
    return Volume(
        partial(_read_voxels, path, shape),
        _geometry(path, shape, header),
        channels=channels,
        source=Source((str(path),), "NIfTI", orientation_known=known),
        notes=() if known else ("the file does not say how its voxels lie in the patient; left and right are a guess",),
    )


def write(item: Volume | Labelmap, path: Path) -> None:
    """Write ``item``; channels become frames (4D), and 8-bit red, green and blue an RGB image.

    The affine goes into sform and qform, with code 1 (scanner) where the orientation is known, else 2 (aligned): a
    reader ignores an affine of code 0. A sheared affine fits no qform, whose code is 0 then.
    """
    array = _stored(item)
    known = not isinstance(item, Volume) or item.source.orientation_known
    header = build(array.shape, array.dtype, item.geometry.affine, _SCANNER if known else _ALIGNED)
    with aside(path) as temporary, temporary.open("wb") as file:
        if path.name.lower().endswith(".gz"):
            with gzip.GzipFile("", "wb", _FASTEST, file, mtime=0) as packed:
                _write_parts(packed, header, array)
        else:
            _write_parts(file, header, array)


def _write_parts(file: BinaryIO | gzip.GzipFile, header: bytes, array: Array) -> None:
    """Header and voxels, the first axis fastest, one plane of the last axis at a time."""
    file.write(header)
    for n in range(array.shape[-1]):
        file.write(array[..., n].astype(array.dtype.newbyteorder("<"), copy=False).tobytes(order="F"))


def _stream(path: Path) -> BinaryIO:
    """The file's bytes, decompressed where its content is compressed, whatever its name."""
    with path.open("rb") as file:
        compressed = file.read(2) == _GZIP_MAGIC
    return cast(BinaryIO, gzip.open(path)) if compressed else path.open("rb")


def _header(path: Path, stream: BinaryIO) -> NiftiHeader:
    """The header at the beginning of ``stream``."""
    try:
        head = stream.read(HEADER_BYTES[1])
        version = version_of(head)
        if version is None:
            raise UnreadableScanError(f"{path} is not a NIfTI file, whatever its name says; hand in the scan itself")
        head += stream.read(HEADER_BYTES[version] - len(head))
        if len(head) < HEADER_BYTES[version]:
            raise EOFError("it ends within its header")
        return parse(head, version)
    except _DAMAGE as error:
        raise unreadable(path, error) from error
    except GeometryError as error:
        raise _bad_geometry(path, str(error)) from error


def _layout(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Shape, tuple[str, ...]]:
    """(I, J, K) and the names of the channels."""
    if dtype.kind == "c":
        raise UnsuitableScanError(f"{path} holds complex numbers; convert it to magnitude first")
    if not 2 <= len(shape) <= 5 or min(shape) < 1:
        raise UnsuitableScanError(f"{path} has the shape {shape}; two to five dimensions, none of them empty, are read")
    i, j, k, frames, parts = (*shape, 1, 1, 1)[:5]
    colours = len(dtype.names or ())
    if (frames > 1) + (parts > 1) + (colours > 0) > 1:
        raise UnsuitableScanError(
            f"{path} has {frames} frames of {max(parts, colours)} parts each; split it into frames"
        )
    if colours:
        return (i, j, k), _COLOURS
    if parts > 1:
        return (i, j, k), tuple(f"c{n}" for n in range(parts))
    return (i, j, k), ("image",) if frames == 1 else tuple(f"t{n}" for n in range(frames))


def _check_size(path: Path, header: NiftiHeader) -> None:
    """Refuse a file that cannot hold the voxels its header announces, before memory is taken for them."""
    wanted = math.prod(header.shape) * header.dtype.itemsize
    if path.stat().st_size * _DEFLATE_LIMIT < wanted:
        raise unreadable(path, f"its header announces {wanted} bytes of voxels, far more than it has")


def _geometry(path: Path, shape: Shape, header: NiftiHeader) -> Geometry:
    try:
        return Geometry(shape, header.affine)
    except GeometryError as error:
        raise _bad_geometry(path, str(error)) from error


def _bad_geometry(path: Path, reason: str) -> GeometryError:
    return GeometryError(
        f"{path} does not say where its voxels lie: {reason}; convert the scan again from its origin, or set its sform"
    )


def _read_voxels(path: Path, shape: Shape) -> Array:
    """(C, I, J, K), scaled by the header's slope and intercept."""
    try:
        with _stream(path) as stream:
            header = _header(path, stream)
            stream.seek(header.offset)
            raw = _filled(stream, header)
            while stream.read(1 << 20):  # gzip tests its checksum at the end
                pass
    except _DAMAGE as error:
        raise unreadable(path, error) from error
    if raw.dtype.names:
        return np.stack([raw[name].reshape(shape) for name in ("R", "G", "B")])
    scaled = _scaled(plain(raw), header.slope, header.intercept)
    return cast(Array, np.moveaxis(scaled.reshape((*shape, -1)), -1, 0))


def _filled(stream: BinaryIO, header: NiftiHeader) -> Array:
    """The voxels as stored, read into memory of their own."""
    buffer = np.empty(math.prod(header.shape) * header.dtype.itemsize, np.uint8)
    view, done = memoryview(buffer), 0  # type: ignore[arg-type]
    while done < len(view):
        count = stream.readinto(view[done:])  # type: ignore[attr-defined]
        if not count:
            raise EOFError(f"it ends {len(view) - done} bytes before its voxels do")
        done += count
    array: Array = buffer.view(header.dtype).reshape(header.shape, order="F")
    return array


def _scaled(raw: Array, slope: float, intercept: float) -> Array:
    """``raw`` where there is nothing to scale, else float32 (float64 of float64), computed in float64 by slabs."""
    if (slope, intercept) == (1.0, 0.0):
        return raw
    out = np.empty_like(raw, dtype=np.float64 if raw.dtype == np.float64 else np.float32)
    for n in range(raw.shape[-1]):
        out[..., n] = raw[..., n] * np.float64(slope) + np.float64(intercept)
    return out


def _stored(item: Volume | Labelmap) -> Array:
    """``item``'s voxels as NIfTI lays them out: (I, J, K), (I, J, K, C), or (I, J, K) of RGB."""
    if not isinstance(item, Volume):
        return narrowed(item.voxels)
    array = storable(item.voxels)
    if item.channels == _COLOURS and array.dtype == np.uint8:
        return np.ascontiguousarray(np.moveaxis(array, 0, -1)).view(_RGB)[..., 0]
    return array[0] if len(array) == 1 else np.moveaxis(array, 0, -1)
