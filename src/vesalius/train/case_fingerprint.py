"""The fingerprint of one case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vesalius.errors import DatasetError
from vesalius.train.data import Case
from vesalius.volume import Array, Shape

Spacing = tuple[float, float, float]
Samples = NDArray[np.float64]

_SAMPLES = 10_000
_AIR = -200  # in HU much thinner than any tissue; no other scanner stores whole numbers so far below zero


@dataclass(frozen=True, eq=False)
class CaseFingerprint:
    """One case. Axes are in the order of RAS; those of a single slice are its own, as in ``orientation``.

    ``samples`` (C, M) are values of up to 10,000 labelled voxels of a scan, or of any voxel of a picture or where
    nothing is labelled. ``zeros`` is the share of voxels that are exactly 0 in every channel, ``placed`` whether the
    file says how large the voxels are, ``voxels`` the number of voxels of each label that occurs.
    """

    name: str
    patient: str
    shape: Shape
    spacing: Spacing
    orientation: str
    placed: bool
    channels: tuple[str, ...]
    modality: str
    eight_bit: bool
    hounsfield: bool
    zeros: float
    samples: Samples
    voxels: Mapping[int, int]
    target: int | None

    @property
    def volumes_ml(self) -> dict[int, float]:
        """Label → its volume."""
        return {value: count * float(np.prod(self.spacing)) / 1000 for value, count in self.voxels.items()}


def examine(case: Case) -> CaseFingerprint:
    """The fingerprint of ``case``.

    Raises:
        DatasetError: it holds values that are no numbers.
    """
    volume, labelmap = case.volume(), case.labelmap()
    single = volume.geometry.shape[2] == 1
    seen = volume.geometry if single else volume.geometry.reoriented("RAS")
    voxels = volume.voxels
    samples = _samples(voxels, None if single or labelmap is None else labelmap.voxels > 0)
    if not np.isfinite(samples).all():
        raise DatasetError(f"the case {case.name} holds values that are no numbers; repair it or leave it out")
    return CaseFingerprint(
        name=case.name,
        patient=case.patient,
        shape=seen.shape,
        spacing=seen.spacing,
        orientation=seen.orientation,
        placed=volume.source.orientation_known,
        channels=volume.channels,
        modality=volume.modality,
        eight_bit=voxels.dtype == np.uint8,
        hounsfield=bool(voxels.min() <= _AIR and (samples == np.round(samples)).all()),
        zeros=float((voxels == 0).all(axis=0).mean()),
        samples=samples,
        voxels={} if labelmap is None else dict(labelmap.counts),
        target=case.target,
    )


def _samples(voxels: Array, mask: NDArray[np.bool_] | None) -> Samples:
    """(C, M) values within ``mask``, everywhere where it is None or empty; drawn with a fixed seed where many."""
    inside = None if mask is None or not mask.any() else np.flatnonzero(mask)
    count = int(np.prod(voxels.shape[1:])) if inside is None else len(inside)
    chosen = np.arange(count) if count <= _SAMPLES else np.random.default_rng(0).integers(count, size=_SAMPLES)
    i, j, k = np.unravel_index(chosen if inside is None else inside[chosen], voxels.shape[1:])
    values: Samples = voxels[:, i, j, k].astype(np.float64)
    return values
