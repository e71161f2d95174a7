"""The headers of NIfTI-1 and NIfTI-2 (https://nifti.nimh.nih.gov): fields, geometry and number types.

Our own, because every command that touches a .nii file waits for it: nibabel, which tests hold it against, takes longer
to import than a head takes to read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from vesalius.errors import GeometryError
from vesalius.volume import FloatArray

HEADER_BYTES = {1: 348, 2: 540}
_MAGIC = {1: b"n+1\0", 2: b"n+2\0\r\n\x1a\n"}
_FIELDS_1: list[Any] = [
    ("sizeof_hdr", "i4"), ("data_type", "S10"), ("db_name", "S18"), ("extents", "i4"), ("session_error", "i2"),
    ("regular", "S1"), ("dim_info", "u1"), ("dim", "i2", 8), ("intent_p", "f4", 3), ("intent_code", "i2"),
    ("datatype", "i2"), ("bitpix", "i2"), ("slice_start", "i2"), ("pixdim", "f4", 8), ("vox_offset", "f4"),
    ("scl_slope", "f4"), ("scl_inter", "f4"), ("slice_end", "i2"), ("slice_code", "u1"), ("xyzt_units", "u1"),
    ("cal_max", "f4"), ("cal_min", "f4"), ("slice_duration", "f4"), ("toffset", "f4"), ("glmax", "i4"),
    ("glmin", "i4"), ("descrip", "S80"), ("aux_file", "S24"), ("qform_code", "i2"), ("sform_code", "i2"),
    ("quatern", "f4", 3), ("qoffset", "f4", 3), ("srow", "f4", (3, 4)), ("intent_name", "S16"), ("magic", "V4"),
]  # fmt: skip
_FIELDS_2: list[Any] = [
    ("sizeof_hdr", "i4"), ("magic", "V8"), ("datatype", "i2"), ("bitpix", "i2"), ("dim", "i8", 8),
    ("intent_p", "f8", 3), ("pixdim", "f8", 8), ("vox_offset", "i8"), ("scl_slope", "f8"), ("scl_inter", "f8"),
    ("cal_max", "f8"), ("cal_min", "f8"), ("slice_duration", "f8"), ("toffset", "f8"), ("slice_start", "i8"),
    ("slice_end", "i8"), ("descrip", "S80"), ("aux_file", "S24"), ("qform_code", "i4"), ("sform_code", "i4"),
    ("quatern", "f8", 3), ("qoffset", "f8", 3), ("srow", "f8", (3, 4)), ("slice_code", "i4"), ("xyzt_units", "i4"),
    ("intent_code", "i4"), ("intent_name", "S16"), ("dim_info", "u1"), ("unused", "S15"),
]  # fmt: skip
_FIELDS = {1: np.dtype(_FIELDS_1), 2: np.dtype(_FIELDS_2)}
_RGB: list[Any] = [(colour, "u1") for colour in "RGB"]
_TYPES: dict[int, Any] = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 32: "c8", 64: "f8", 128: _RGB, 256: "i1", 512: "u2", 768: "u4", 1024: "i8",
    1280: "u8", 1536: "f16", 1792: "c16", 2048: "c32", 2304: [*_RGB, ("A", "u1")],
}  # fmt: skip
_SPACE_UNITS = 0b111  # the bits of xyzt_units that are about space
_MM_IN_UNIT = {1: 1000.0, 3: 0.001}  # metres and micrometres; all else is millimetres
_MILLIMETRES = 2
_NOT_UNIT = 3 * float(np.finfo(np.float32).eps)  # by how much a quaternion's vector may exceed 1 from rounding


def version_of(head: bytes) -> int | None:
    """1 or 2, by the magic string of a single-file NIfTI in its first bytes."""
    if head[344:348] == _MAGIC[1]:
        return 1
    return 2 if head[4:8] == _MAGIC[2][:4] else None


@dataclass(frozen=True)
class NiftiHeader:
    """What a reader needs: ``shape`` and ``dtype`` as stored, where the voxels begin, their scale, and the affine.

    ``affine`` (4, 4) is in mm; it is a guess where ``orientation_known`` is False.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int
    slope: float
    intercept: float
    affine: FloatArray
    orientation_known: bool


def parse(data: bytes, version: int) -> NiftiHeader:
    """Read a header of `HEADER_BYTES` bytes.

    Raises:
        ValueError: it contradicts itself.
        GeometryError: the quaternion of its qform is none.
    """
    fields = _FIELDS[version]
    order: Literal["<", ">"] = "<" if int.from_bytes(data[:4], "little") == HEADER_BYTES[version] else ">"
    record = np.frombuffer(data, fields.newbyteorder(order), count=1)[0]
    if int(record["sizeof_hdr"]) != HEADER_BYTES[version]:
        raise ValueError(f"its header says that it has {record['sizeof_hdr']} bytes")
    dimensions = int(record["dim"][0])
    if not 1 <= dimensions <= 7:
        raise ValueError(f"its header says that it has {dimensions} dimensions")
    code, offset = int(record["datatype"]), float(record["vox_offset"])
    if code not in _TYPES:
        raise ValueError(f"its voxels are of the unknown type {code}")
    if not HEADER_BYTES[version] + 4 <= offset < 2**63:
        raise ValueError(f"its voxels are said to begin at byte {offset:g}, within the header")
    slope, intercept = _scale(float(record["scl_slope"]), float(record["scl_inter"]))
    shape = tuple(int(n) for n in record["dim"][1 : dimensions + 1])
    known = int(record["sform_code"]) > 0 or int(record["qform_code"]) > 0
    dtype = np.dtype(_TYPES[code]).newbyteorder(order)
    return NiftiHeader(shape, dtype, int(offset), slope, intercept, _affine(record, shape), known)


def build(shape: tuple[int, ...], dtype: np.dtype[Any], affine: FloatArray, code: int) -> bytes:
    """A header, padded to where the voxels begin; NIfTI-2 where an axis is too long for NIfTI-1.

    Args:
        shape: of the array.
        dtype: a type of `_TYPES`, little-endian.
        affine: (4, 4), mm; goes into the sform and, unless it is sheared, into the qform.
        code: of both: 1 scanner, 2 aligned to something else.
    """
    version = 1 if max(shape) <= np.iinfo(np.int16).max else 2
    record = np.zeros((), _FIELDS[version].newbyteorder("<"))
    begin = HEADER_BYTES[version] + 4
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    record["sizeof_hdr"], record["vox_offset"] = HEADER_BYTES[version], begin
    record["magic"] = np.void(_MAGIC[version])
    record["dim"][:] = [len(shape), *shape, *[1] * (7 - len(shape))]
    record["datatype"] = next(key for key, kind in _TYPES.items() if np.dtype(kind) == dtype)
    record["bitpix"] = 8 * dtype.itemsize
    record["scl_slope"], record["xyzt_units"] = 1, _MILLIMETRES
    record["pixdim"][:] = [1, *lengths, 1, 1, 1, 1]
    record["sform_code"], record["srow"] = code, affine[:3]
    directions = affine[:3, :3] / lengths
    if np.allclose(directions.T @ directions, np.eye(3), atol=1e-5):
        record["pixdim"][0] = qfac = 1.0 if np.linalg.det(directions) > 0 else -1.0
        record["quatern"] = _quaternion(directions * (1, 1, qfac))
        record["qform_code"], record["qoffset"] = code, affine[:3, 3]
    return record.tobytes() + bytes(4)


def _scale(slope: float, intercept: float) -> tuple[float, float]:
    """A slope of 0, or one that is not finite, means that there is none."""
    if slope == 0 or not np.isfinite(slope):
        return 1.0, 0.0
    if not np.isfinite(intercept):
        raise ValueError(f"its voxels are to be scaled by {slope:g} and shifted by {intercept}")
    return slope, intercept


def _affine(record: Any, shape: tuple[int, ...]) -> FloatArray:
    """The sform where it is set, else the qform, else a guess: centred, x to the left (as SPM and nibabel take it)."""
    affine = np.eye(4)
    pixdim = np.abs(record["pixdim"].astype(np.float64))
    spacing = np.where(pixdim[1:4] == 0, 1.0, pixdim[1:4])
    if int(record["sform_code"]) > 0:
        affine[:3] = record["srow"]
    elif int(record["qform_code"]) > 0:
        qfac = -1.0 if record["pixdim"][0] == -1 else 1.0
        affine[:3, :3] = _rotation(record["quatern"].astype(np.float64)) * spacing * (1, 1, qfac)
        affine[:3, 3] = record["qoffset"]
    else:
        scale = spacing * (-1, 1, 1)
        affine[:3, :3] = np.diag(scale)
        affine[:3, 3] = -scale * (np.array((*shape, 1, 1, 1)[:3]) - 1) / 2
    affine[:3] *= _MM_IN_UNIT.get(int(record["xyzt_units"]) & _SPACE_UNITS, 1.0)
    return affine


def _rotation(vector: FloatArray) -> FloatArray:
    """(3, 3): the rotation of the unit quaternion that ends in ``vector`` (b, c, d) and begins with a ≥ 0."""
    square = 1.0 - float(vector @ vector)
    if not square > -_NOT_UNIT:
        raise GeometryError("the quaternion of its qform is none")
    a, (b, c, d) = np.sqrt(max(square, 0.0)), vector
    return np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )


def _quaternion(rotation: FloatArray) -> FloatArray:
    """(3,): b, c, d of the quaternion of a rotation (3, 3), as the eigenvector of Bar-Itzhack's matrix (2000)."""
    (xx, yx, zx), (xy, yy, zy), (xz, yz, zz) = rotation
    symmetric = np.array(
        [
            [xx - yy - zz, yx + xy, zx + xz, yz - zy],
            [yx + xy, yy - xx - zz, zy + yz, zx - xz],
            [zx + xz, zy + yz, zz - xx - yy, xy - yx],
            [yz - zy, zx - xz, xy - yx, xx + yy + zz],
        ]
    )
    b, c, d, a = np.linalg.eigh(symmetric / 3)[1][:, -1]
    return np.array([b, c, d]) * (-1.0 if a < 0 else 1.0)
