"""Size, place and brightness of each label, in millimetres in the patient whatever the grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vesalius.errors import GeometryError
from vesalius.measure.diameters import diameters, hull_corners
from vesalius.measure.intensity import intensity_statistics
from vesalius.measure.surface import surface_area
from vesalius.measure.tally import Tally, tally_labels
from vesalius.results import IntensityStatistics, Labelmap, Measurement
from vesalius.volume import FloatArray, Volume

Point = tuple[float, float, float]
_NOTHING = Measurement(
    voxel_count=0, volume_ml=0.0, surface_mm2=0.0, bounding_box_mm=None, diameters_mm=(), centre_mm=None, components=0
)


def measure_labels(labelmap: Labelmap, volume: Volume | None = None) -> dict[str, Measurement]:
    """Measure every label of ``labelmap``, and the values of ``volume`` inside it, by the label's name.

    The bounding box and the diameters count voxels to their edges: they are exact for the voxels as they lie in the
    patient, on oblique grids too. A label without voxels measures 0; a channel without a finite value inside a label
    has no statistics there. In a picture, whose pixels have no known size, a label has a share of it, and no lengths.

    Raises:
        GeometryError: ``volume`` is not on the labelmap's grid.
    """
    if volume is not None and not volume.geometry.is_close(labelmap.geometry):
        raise GeometryError(
            f"the scan {volume.geometry.shape} and the labelmap {labelmap.geometry.shape} are not on the same grid; "
            "resample the labelmap to the scan first"
        )
    tallies = tally_labels(labelmap.voxels, tuple(labelmap.labels))
    scaled = {label.name: _measure(labelmap, volume, value, tallies[value]) for value, label in labelmap.labels.items()}
    if volume is None or not volume.is_picture:
        return scaled
    return {name: _without_lengths(measured, labelmap.voxels.size) for name, measured in scaled.items()}


def _without_lengths(measured: Measurement, pixels: int) -> Measurement:
    nothing = dict.fromkeys(("volume_ml", "surface_mm2", "bounding_box_mm", "centre_mm"))
    return measured.model_copy(update={**nothing, "diameters_mm": (), "share": measured.voxel_count / pixels})


def _measure(labelmap: Labelmap, volume: Volume | None, value: int, tally: Tally) -> Measurement:
    if tally.count == 0:
        return _NOTHING
    box = tally.box
    mask = np.ascontiguousarray(labelmap.voxels[box.slices] == value)
    part = labelmap.geometry.cropped(box)
    corners = part.to_world(hull_corners(mask))
    return Measurement(
        voxel_count=tally.count,
        volume_ml=tally.count * part.voxel_volume / 1000,
        surface_mm2=surface_area(mask, part.affine[:3, :3]),
        bounding_box_mm=(_point(corners.min(axis=0)), _point(corners.max(axis=0))),
        diameters_mm=diameters(corners),
        centre_mm=_point(tally.centre(labelmap.geometry)),
        components=_count_components(mask),
        intensity={} if volume is None else _intensity(volume.cropped(box), mask),
    )


def _intensity(part: Volume, mask: NDArray[np.bool_]) -> dict[str, IntensityStatistics]:
    per_channel = zip(part.channels, part.voxels, strict=True)
    statistics = {name: intensity_statistics(channel[mask]) for name, channel in per_channel}
    return {name: found for name, found in statistics.items() if found is not None}


def _count_components(mask: NDArray[np.bool_]) -> int:
    """Number of 26-connected parts of ``mask`` (I, J, K)."""
    import SimpleITK as sitk

    parts = sitk.ConnectedComponentImageFilter()
    parts.FullyConnectedOn()
    parts.Execute(sitk.GetImageFromArray(mask.view(np.uint8)))
    return int(parts.GetObjectCount())


def _point(vector: FloatArray) -> Point:
    x, y, z = (float(component) for component in vector)
    return x, y, z
