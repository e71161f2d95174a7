"""Where a stack of DICOM images lies in the patient (DICOM PS3.3, C.7.6.2.1.1). Pure: headers in, geometry out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vesalius.errors import GeometryError
from vesalius.io.dicom_header import Header
from vesalius.volume import FloatArray, Geometry

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_SAME_PLACE = 0.01  # of a pixel
_EVEN, _BEARABLE = 0.01, 0.1  # of the distance between slices
_STRAIGHT = 1e-3  # sine of the angle between the stack and the normal of its images
_UNIT = 1e-3


@dataclass(frozen=True)
class Stack:
    """Images in place: ``slices`` is K tuples of C images each, ordered along the normal of the images."""

    slices: tuple[tuple[Header, ...], ...]
    geometry: Geometry
    notes: tuple[str, ...] = ()


def stacked(images: Sequence[Header]) -> Stack:
    """Parallel images of one size in order of their positions, never of their names or numbers.

    Raises:
        GeometryError: the images do not form an even grid, or a header contradicts itself.
    """
    first = images[0]
    columns, rows = _directions(first)
    normal = np.cross(columns, rows)
    slices = _slices(images)
    step = _step(slices, normal)
    row_spacing, column_spacing = _spacing(first)
    affine = np.eye(4)
    affine[:3, 0] = columns * column_spacing
    affine[:3, 1] = rows * row_spacing
    affine[:3, 2] = step
    affine[:3, 3] = slices[0][0].position
    notes = (*_evenness_notes(slices, step), *_shear_notes(step, normal), *_frame_notes(slices))
    geometry = Geometry((first.columns, first.rows, len(slices)), _LPS_TO_RAS @ affine)
    return Stack(slices, geometry, notes)


def unplaced(image: Header) -> Stack:
    """An image that does not say where it lies, as a radiograph: I its columns, J its rows, spacing where known."""
    row_spacing, column_spacing = (1.0, 1.0) if image.row_spacing is None else _spacing(image)
    affine = _LPS_TO_RAS @ np.diag([column_spacing, row_spacing, 1.0, 1.0])
    notes = ["the image does not say where it lies in the patient; its columns and rows are taken as they are shown"]
    if image.detector_spacing:
        notes.append("pixel spacing is the detector's: lengths in the patient are smaller by the magnification")
    elif image.row_spacing is None:
        notes.append("the image does not say how large its pixels are; 1 mm is assumed")
    return Stack(((image,),), Geometry((image.columns, image.rows, 1), affine), tuple(notes))


def repeats(images: Sequence[Header]) -> bool:
    """Whether several of these parallel images lie at one place."""
    return len(_places(images)) < len(images)


def _directions(image: Header) -> FloatArray:
    """(2, 3): unit vectors along which the column and the row number grow, LPS."""
    directions = image.directions
    product = directions @ directions.T
    if np.abs(product - np.eye(2)).max() > _UNIT:
        raise GeometryError(
            f"the orientation in {image.path} is no pair of perpendicular unit vectors: {directions.tolist()}; "
            "export the scan again from its origin"
        )
    return directions


def _spacing(image: Header) -> tuple[float, float]:
    """Distance between rows, and between columns, mm."""
    rows, columns = image.row_spacing, image.column_spacing
    if rows is None or columns is None or min(rows, columns) <= 0:
        raise GeometryError(f"{image.path} has no positive pixel spacing; export the scan again from its origin")
    return rows, columns


def _places(images: Sequence[Header]) -> list[list[Header]]:
    """``images`` by place along their normal."""
    normal = np.cross(*images[0].directions)
    tolerance = _SAME_PLACE * (images[0].row_spacing or 1.0)
    ordered = sorted(((float(image.position @ normal), image) for image in images), key=lambda pair: pair[0])
    places: list[list[Header]] = []
    last = -np.inf
    for distance, image in ordered:
        if distance - last > tolerance:
            places.append([])
            last = distance
        places[-1].append(image)
    return places


def _slices(images: Sequence[Header]) -> tuple[tuple[Header, ...], ...]:
    """``images`` by place, as many at each; those at one place in the order of their frames."""
    places = _places(images)
    counts = sorted({len(place) for place in places})
    if len(counts) > 1:
        raise GeometryError(
            f"the series in {images[0].path.parent} has {counts[0]} images at some places and {counts[-1]} at others; "
            "images are missing or doubled, export the scan again"
        )
    return tuple(tuple(sorted(place, key=lambda image: image.frame_order)) for place in places)


def _step(slices: Sequence[Sequence[Header]], normal: FloatArray) -> FloatArray:
    """The vector from one slice to the next, mm, LPS; of a single slice, its thickness along ``normal``."""
    first = slices[0][0]
    if len(slices) == 1:
        return normal * (first.thickness if first.thickness and first.thickness > 0 else 1.0)
    step: FloatArray = (slices[-1][0].position - first.position) / (len(slices) - 1)
    return step


def _evenness_notes(slices: Sequence[Sequence[Header]], step: FloatArray) -> tuple[str, ...]:
    """Compare each image's own position with its place in the even grid."""
    origin = slices[0][0].position
    actual = np.array([[image.position for image in images] for images in slices])
    planned = origin + np.arange(len(slices))[:, np.newaxis, np.newaxis] * step
    errors = np.linalg.norm(actual - planned, axis=-1)
    distance = float(np.linalg.norm(step))
    if errors.max() <= _EVEN * distance:
        return ()
    if errors.max() <= _BEARABLE * distance:
        return (f"the slices are not quite evenly spaced; one lies {errors.max():.2g} mm from its place in the grid",)
    gaps = np.linalg.norm(np.diff(actual[:, 0], axis=0), axis=-1)
    raise GeometryError(
        f"the slices in {slices[0][0].path.parent} are not evenly spaced ({gaps.min():.3g} to {gaps.max():.3g} mm "
        "apart): images are missing or of several scans; export the scan again, complete"
    )


def _shear_notes(step: FloatArray, normal: FloatArray) -> tuple[str, ...]:
    sine = float(np.linalg.norm(np.cross(step, normal)) / np.linalg.norm(step))
    if sine <= _STRAIGHT:
        return ()
    angle = np.degrees(np.arcsin(min(sine, 1.0)))
    return (f"the stack of slices is sheared by {angle:.1f}°, as with a tilted gantry; the geometry accounts for it",)


def _frame_notes(slices: Sequence[Sequence[Header]]) -> tuple[str, ...]:
    count = len(slices[0])
    if count == 1:
        return ()
    return (f"{count} images lie at each place; they are read as {count} channels, in order of acquisition",)
