"""A DICOM file's data set, whether or not it begins as DICOM PS3.10 wants."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vesalius.errors import UnreadableScanError
from vesalius.io.format import unreadable

if TYPE_CHECKING:
    from pydicom import Dataset

# Without a preamble a file begins with its first element: group 0002 or 0008.
_BARE_STARTS = tuple(
    group + element + b"\0" for group in (b"\x02\0", b"\x08\0") for element in (b"\0", b"\1", b"\5", b"\x08")
)


def looks_like_dicom(head: bytes) -> bool:
    """Whether a file that begins with ``head`` may be DICOM, with or without the preamble of PS3.10."""
    return head[128:132] == b"DICM" or head[:4] in _BARE_STARTS


def read_dataset(path: Path, **options: Any) -> Dataset:
    """The data set of ``path``; a missing preamble or file meta information is made up for.

    Raises:
        UnreadableScanError: it is not DICOM, or damaged.
    """
    import pydicom

    with path.open("rb") as file:
        head = file.read(132)
    if not looks_like_dicom(head):
        raise UnreadableScanError(f"{path} is not a DICOM file, whatever its name says; hand in the scan itself")
    try:
        dataset = pydicom.dcmread(path, force=True, **options)
    except MemoryError:
        raise
    except Exception as error:  # a damaged file makes pydicom raise nearly anything
        raise unreadable(path, error) from error
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little = dataset.original_encoding
        explicit = pydicom.uid.ExplicitVRLittleEndian if little else pydicom.uid.ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian if implicit else explicit
    return dataset
