"""How far a segmentation agrees with a reference, label by label."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from vesalius.errors import GeometryError, InputError, UsageError
from vesalius.measure.confusion import Confusion
from vesalius.measure.surface_distance import surface_distances
from vesalius.measure.tally import Tally, tally_labels
from vesalius.results import Labelmap
from vesalius.volume import Geometry, IndexBox

# Distances count the axes as perpendicular: at this cosine they are wrong by 0.1 %.
_SHEAR_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Agreement:
    """A predicted label against the reference's; None where a figure is undefined, so that it all fits into JSON.

    Where both are empty they agree: every share is 1, every distance and error 0. Where one is empty, overlap and
    surface agreement are 0, distances are undefined, and so is what divides by the empty one.

    Attributes:
        dice: Dice's coefficient.
        iou: intersection over union.
        sensitivity: the share of the reference's voxels that was found.
        specificity: the share of the grid's voxels outside the reference that was left out; it grows with the grid.
        precision: the share of the prediction's voxels that is right.
        volume_error_ml: prediction less reference.
        volume_error_relative: the same as a share of the reference.
        hd95_mm: 95th percentile Hausdorff distance.
        assd_mm: average symmetric surface distance.
        nsd: normalised surface Dice at the tolerance.
    """

    dice: float
    iou: float
    sensitivity: float | None
    specificity: float | None
    precision: float | None
    volume_error_ml: float
    volume_error_relative: float | None
    hd95_mm: float | None
    assd_mm: float | None
    nsd: float


_BOTH_EMPTY = Agreement(1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class _Pair:
    """One label in both labelmaps: its value and where it is."""

    predicted: int
    actual: int
    predicted_tally: Tally
    actual_tally: Tally

    def box(self) -> IndexBox:
        """The smallest box that holds both, at least one of which has voxels."""
        boxes = [tally.box for tally in (self.predicted_tally, self.actual_tally) if tally.count]
        i0, j0, k0 = (min(starts) for starts in zip(*(box.start for box in boxes), strict=True))
        i1, j1, k1 = (max(stops) for stops in zip(*(box.stop for box in boxes), strict=True))
        return IndexBox((i0, j0, k0), (i1, j1, k1))


def compare_labels(prediction: Labelmap, reference: Labelmap, tolerance_mm: float = 1.0) -> dict[str, Agreement]:
    """Compare every label of ``reference`` with the prediction's of the same name.

    Surfaces and their distances are those of `vesalius.measure.surface_distance`, equal to MONAI's; ``tolerance_mm`` is
    how far apart surfaces may be for NSD to call them the same. A label that only the prediction knows is not judged.
    Each label is looked at in the box that holds it in both, several at a time.

    Raises:
        GeometryError: the two are not on the same grid, or its axes are not perpendicular.
        InputError: the prediction lacks one of the reference's labels.
        UsageError: the tolerance is negative or not finite.
    """
    _check_grids(prediction.geometry, reference.geometry)
    if not (math.isfinite(tolerance_mm) and tolerance_mm >= 0):
        raise UsageError(f"a surface tolerance is a finite number of millimetres from 0 up, not {tolerance_mm}")
    pairs = _pairs(prediction, reference)
    cores = os.cpu_count() or 1
    threads = max(1, cores // max(1, len(pairs)))
    with ThreadPoolExecutor(cores) as pool:
        compared = pool.map(lambda pair: _compare(prediction, reference, pair, tolerance_mm, threads), pairs.values())
        return dict(zip(pairs, compared, strict=True))


def _check_grids(prediction: Geometry, reference: Geometry) -> None:
    if not prediction.is_close(reference):
        raise GeometryError(
            f"the prediction {prediction.shape} and the reference {reference.shape} are not on the same grid; "
            "resample one to the other first"
        )
    cosines = reference.directions.T @ reference.directions - np.eye(3)
    if np.abs(cosines).max() > _SHEAR_TOLERANCE:
        raise GeometryError(
            "the grid's axes are not perpendicular (a tilted gantry?), so that distances between surfaces cannot be "
            "measured on it; resample both segmentations to a perpendicular grid first"
        )


def _pairs(prediction: Labelmap, reference: Labelmap) -> dict[str, _Pair]:
    predicted = {label.name: value for value, label in prediction.labels.items()}
    actual = {label.name: value for value, label in reference.labels.items()}
    missing = [name for name in actual if name not in predicted]
    if missing:
        raise InputError(
            f"the prediction has no label {', '.join(missing)}, which the reference has; "
            f"it has {', '.join(predicted) or 'none'}"
        )
    in_prediction = tally_labels(prediction.voxels, [predicted[name] for name in actual])
    in_reference = tally_labels(reference.voxels, list(actual.values()))
    return {
        name: _Pair(predicted[name], value, in_prediction[predicted[name]], in_reference[value])
        for name, value in actual.items()
    }


def _compare(prediction: Labelmap, reference: Labelmap, pair: _Pair, tolerance_mm: float, threads: int) -> Agreement:
    predicted_count, actual_count = pair.predicted_tally.count, pair.actual_tally.count
    if predicted_count == actual_count == 0:
        return _BOTH_EMPTY
    geometry, part = reference.geometry, pair.box().slices
    predicted, actual = prediction.voxels[part] == pair.predicted, reference.voxels[part] == pair.actual
    overlap = _whole_grid(Confusion.count(predicted, actual), math.prod(geometry.shape))
    surplus = predicted_count - actual_count
    hd95 = assd = None
    nsd = 0.0
    if predicted_count and actual_count:
        distances = surface_distances(predicted, actual, geometry, threads)
        hd95, assd, nsd = distances.hd95, distances.assd, distances.nsd(tolerance_mm)
    return Agreement(
        dice=overlap.f1 or 0.0,
        iou=overlap.iou or 0.0,
        sensitivity=overlap.sensitivity,
        specificity=overlap.specificity,
        precision=overlap.precision,
        volume_error_ml=surplus * geometry.voxel_volume / 1000,
        volume_error_relative=surplus / actual_count if actual_count else None,
        hd95_mm=hd95,
        assd_mm=assd,
        nsd=nsd,
    )


def _whole_grid(in_box: Confusion, voxel_count: int) -> Confusion:
    """The same with the voxels outside the box, all of them true negatives."""
    found = in_box.true_positive + in_box.false_positive + in_box.false_negative
    return Confusion(in_box.true_positive, in_box.false_positive, in_box.false_negative, voxel_count - found)
