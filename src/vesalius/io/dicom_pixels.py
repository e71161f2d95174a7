"""The pixels of a stack of DICOM images: decoded in parallel, in the scan's own unit (DICOM PS3.3, C.7.6.3, C.11.1)."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vesalius.errors import InputError
from vesalius.io.dicom_file import read_dataset
from vesalius.io.dicom_header import Encoding, Header
from vesalius.io.format import unreadable
from vesalius.volume import Array

if TYPE_CHECKING:
    from pydicom import Dataset

_MEASURED = frozenset({"CT", "MR", "NM", "PT"})  # their values have a unit, whichever way they are shown
_MOST_THREADS = 8


def inverted(image: Header) -> bool:
    """Whether bright is to be made of dark: a MONOCHROME1 radiograph. Values that are measured are left alone."""
    return image.encoding.photometric == "MONOCHROME1" and image.modality not in _MEASURED


def read_pixels(slices: Sequence[Sequence[Header]]) -> Array:
    """(C, I, J, K) of K slices of C images each, or of K colour images; rescaled, bright where much is.

    Integers where every image rescales to them, else float32.

    Raises:
        UnreadableScanError: an image is damaged, or coded in a way that cannot be decoded.
    """
    from concurrent.futures import ThreadPoolExecutor

    first = slices[0][0]
    channels = max(len(slices[0]), first.encoding.channels)
    out = np.empty((channels, len(slices), first.rows, first.columns), _dtype(slices))
    jobs = [
        (image, out[:, k] if image.encoding.channels > 1 else out[c : c + 1, k])
        for k, images in enumerate(slices)
        for c, image in enumerate(images)
    ]
    pool = ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in pool.map(lambda job: _fill(*job), jobs):
                pass
    finally:
        pool.shutdown(cancel_futures=True)
    return out.transpose(0, 3, 2, 1)


def _dtype(slices: Sequence[Sequence[Header]]) -> np.dtype[Any]:
    """The smallest type that holds whatever these images can store, rescaled."""
    encodings = {image.encoding for images in slices for image in images}
    if any(e.photometric == "PALETTE COLOR" for e in encodings):
        return np.dtype(np.uint8)
    if not all(e.slope.is_integer() and e.intercept.is_integer() for e in encodings):
        return np.dtype(np.float32)
    ends = [end * e.slope + e.intercept for e in encodings for end in e.stored_range]
    plain = all((e.slope, e.intercept) == (1, 0) for e in encodings)
    candidates = (np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32) if plain else (np.int16, np.int32)
    for candidate in candidates:
        if np.iinfo(candidate).min <= min(ends) and max(ends) <= np.iinfo(candidate).max:
            return np.dtype(candidate)
    return np.dtype(np.float32)


def _fill(image: Header, out: Array) -> None:
    """Decode ``image`` into ``out`` (C, J, I)."""
    try:
        plane = _decoded(image)
        _check_range(plane, out.dtype)
        np.copyto(out, plane, casting="unsafe")
    except (InputError, MemoryError):
        raise
    except Exception as error:  # every decoder raises errors of its own
        raise unreadable(image.path, error) from error


def _check_range(plane: Array, dtype: np.dtype[Any]) -> None:
    if dtype.kind == "f":
        return
    limits, low, high = np.iinfo(dtype), plane.min(), plane.max()
    if low < limits.min or high > limits.max:
        raise ValueError(f"its values from {low} to {high} are beyond what its header announces")


def _decoded(image: Header) -> Array:
    """(C, J, I), in the scan's unit."""
    from pydicom.pixels.utils import pixel_array

    dataset = read_dataset(image.path)
    pixels = pixel_array(dataset)
    if image.encoding.channels > 1:
        return np.moveaxis(_coloured(pixels, dataset), -1, 0)
    values = _rescaled(pixels, image.encoding)
    if inverted(image):
        low, high = (_rescaled(np.array(end), image.encoding) for end in image.encoding.stored_range)
        values = (low.astype(np.float64) + high - values).astype(values.dtype)
    return values[np.newaxis]


def _coloured(pixels: Array, dataset: Dataset) -> Array:
    """(J, I, 3) red, green, blue."""
    from pydicom.pixels.processing import apply_color_lut

    if dataset.PhotometricInterpretation != "PALETTE COLOR":
        return pixels
    colours: Array = apply_color_lut(pixels, dataset)
    colours = colours[..., :3]
    return (colours >> 8).astype(np.uint8) if colours.dtype == np.uint16 else colours


def _rescaled(pixels: Array, encoding: Encoding) -> Array:
    if (encoding.slope, encoding.intercept) == (1, 0):
        return pixels
    return pixels * np.float64(encoding.slope) + np.float64(encoding.intercept)
