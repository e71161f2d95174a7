"""What a DICOM file says about its image, pixels unread (DICOM PS3.3, C.7.6)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vesalius.errors import UnsuitableScanError
from vesalius.io.dicom_file import read_dataset
from vesalius.io.format import unreadable
from vesalius.volume import FloatArray

if TYPE_CHECKING:
    from pydicom import Dataset

_TAGS = [
    "SpecificCharacterSet", "ImageType", "SOPInstanceUID", "Modality", "SeriesDescription",
    "PatientID", "SliceThickness", "EchoTime", "DiffusionBValue", "AcquisitionNumber", "InstanceNumber",
    "TemporalPositionIdentifier", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID",
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "ImagerPixelSpacing", "Rows", "Columns",
    "NumberOfFrames", "SamplesPerPixel", "BitsAllocated", "BitsStored", "PixelRepresentation",
    "PhotometricInterpretation", "RescaleSlope", "RescaleIntercept",
    "DoseGridScaling", "PerFrameFunctionalGroupsSequence",
]  # fmt: skip
_FRAME_ORDER = ("TemporalPositionIdentifier", "DiffusionBValue", "EchoTime", "AcquisitionNumber", "InstanceNumber")


@dataclass(frozen=True)
class Encoding:
    """How the stored values are coded and what they mean."""

    photometric: str
    bits_allocated: int
    bits_stored: int
    signed: bool
    slope: float
    intercept: float

    @property
    def channels(self) -> int:
        """Parts of a pixel, once decoded."""
        return 1 if self.photometric.startswith("MONOCHROME") else 3

    @property
    def stored_range(self) -> tuple[int, int]:
        """The smallest and the largest value that can be stored."""
        if self.signed:
            return -(1 << (self.bits_stored - 1)), (1 << (self.bits_stored - 1)) - 1
        return 0, (1 << self.bits_stored) - 1


@dataclass(frozen=True, eq=False)
class Header:
    """One image. ``patient`` only serves to tell patients apart and goes nowhere.

    ``position`` (3) is the centre of the first pixel, mm LPS; ``directions`` (2, 3) are unit vectors along which the
    column and the row number grow. Where the file gives none (``has_place`` is False), they are as in a picture.
    """

    path: Path
    patient: str
    study_uid: str
    series_uid: str
    frame_of_reference_uid: str
    instance_uid: str
    modality: str
    description: str
    image_type: tuple[str, ...]
    rows: int
    columns: int
    encoding: Encoding
    row_spacing: float | None
    column_spacing: float | None
    detector_spacing: bool
    thickness: float | None
    has_place: bool
    position: FloatArray
    directions: FloatArray
    frame_order: tuple[float, ...]


def read_header(path: Path) -> Header | None:
    """The header of the image in ``path``; None where it is DICOM without an image, as a report or a DICOMDIR.

    Raises:
        UnreadableScanError: not DICOM, damaged or truncated.
        UnsuitableScanError: several frames in one file.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns of every value that bends the standard
        dataset = read_dataset(path, stop_before_pixels=True, specific_tags=_TAGS)
        if "Rows" not in dataset or "Columns" not in dataset:
            return None
        try:
            header = _parsed(path, dataset)
            frames = int(dataset.get("NumberOfFrames") or 1)
        except (ValueError, TypeError, AttributeError, IndexError, OverflowError) as error:
            raise unreadable(path, error) from error
    if frames > 1 or "PerFrameFunctionalGroupsSequence" in dataset:
        raise UnsuitableScanError(
            f"{path} is multi-frame DICOM ({frames} frames), which is not read yet; convert it to one file an image"
        )
    _check_size(header, dataset)
    return header


def _parsed(path: Path, dataset: Dataset) -> Header:
    spacing = _numbers(dataset, "PixelSpacing", 2)
    detector = _numbers(dataset, "ImagerPixelSpacing", 2) if spacing is None else None
    row_spacing, column_spacing = next((s for s in (spacing, detector) if s is not None), (None, None))
    thickness = _numbers(dataset, "SliceThickness", 1)
    position = _numbers(dataset, "ImagePositionPatient", 3)
    directions = _numbers(dataset, "ImageOrientationPatient", 6)
    return Header(
        path=path,
        patient=_text(dataset, "PatientID"),
        study_uid=_text(dataset, "StudyInstanceUID"),
        series_uid=_text(dataset, "SeriesInstanceUID"),
        frame_of_reference_uid=_text(dataset, "FrameOfReferenceUID"),
        instance_uid=_text(dataset, "SOPInstanceUID"),
        modality=_text(dataset, "Modality"),
        description=_text(dataset, "SeriesDescription"),
        image_type=tuple(str(part) for part in dataset.get("ImageType") or ()),
        rows=int(dataset.Rows),
        columns=int(dataset.Columns),
        encoding=_encoding(dataset),
        row_spacing=row_spacing,
        column_spacing=column_spacing,
        detector_spacing=detector is not None,
        thickness=None if thickness is None else float(thickness[0]),
        has_place=position is not None and directions is not None,
        position=np.zeros(3) if position is None else position,
        directions=np.eye(3)[:2] if directions is None else directions.reshape(2, 3),
        frame_order=tuple(float(dataset.get(tag) or 0) for tag in _FRAME_ORDER),
    )


def _encoding(dataset: Dataset) -> Encoding:
    slope = _numbers(dataset, "DoseGridScaling" if "DoseGridScaling" in dataset else "RescaleSlope", 1)
    intercept = _numbers(dataset, "RescaleIntercept", 1)
    if slope is not None and slope[0] == 0:
        raise ValueError("its rescale slope is zero")
    return Encoding(
        photometric=str(dataset.get("PhotometricInterpretation") or "MONOCHROME2"),
        bits_allocated=int(dataset.BitsAllocated),
        bits_stored=int(dataset.get("BitsStored") or dataset.BitsAllocated),
        signed=bool(dataset.get("PixelRepresentation", 0)),
        slope=1.0 if slope is None else float(slope[0]),
        intercept=0.0 if intercept is None else float(intercept[0]),
    )


def _check_size(header: Header, dataset: Dataset) -> None:
    """Refuse a truncated file before its place in the stack is planned."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_encapsulated or syntax.is_deflated:
        return
    samples = 1 if header.encoding.photometric == "PALETTE COLOR" else header.encoding.channels
    if header.encoding.photometric == "YBR_FULL_422":
        samples = 2
    wanted = header.rows * header.columns * samples * header.encoding.bits_allocated // 8
    if header.path.stat().st_size < wanted:
        raise unreadable(header.path, f"its pixels need {wanted} bytes, more than the file has")


def _numbers(dataset: Dataset, name: str, count: int) -> FloatArray | None:
    """The ``count`` numbers of an element; None where it is missing or empty."""
    value = dataset.get(name)
    if value is None or value == "":
        return None
    numbers = np.atleast_1d(np.asarray(value, dtype=np.float64))
    if numbers.size == 0:
        return None
    if numbers.shape != (count,) or not np.isfinite(numbers).all():
        raise ValueError(f"{name} should be {count} numbers, not {value}")
    return numbers


def _text(dataset: Dataset, name: str) -> str:
    return str(dataset.get(name) or "").strip()
