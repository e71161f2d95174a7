"""The fingerprint of a data set: sizes, spacings, intensities and how often each label or class occurs.

After Isensee et al., "nnU-Net: a self-configuring method for deep learning-based biomedical image segmentation",
Nature Methods 18 (2021): 203.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vesalius.engine.progress import Progress
from vesalius.errors import DatasetError
from vesalius.train.case_fingerprint import CaseFingerprint, Spacing, examine
from vesalius.train.data import Dataset
from vesalius.train.declared import Declared, declared
from vesalius.volume import Shape

#: CT: values are Hounsfield units. picture: one slice. MR: any other scan, whose values have no fixed meaning.
Kind = Literal["CT", "MR", "picture"]

_ANISOTROPIC = 3.0


@dataclass(frozen=True)
class Intensities:
    """Of the cases' samples together: percentiles 0.5 and 99.5, mean and deviation of the values clipped to them."""

    low: float
    high: float
    mean: float
    deviation: float


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """Of all cases that may be trained on.

    ``classes`` are the names that the data give to labels or classes; ``divided`` is whether they say which cases to
    train on.
    """

    cases: tuple[CaseFingerprint, ...]
    classes: Mapping[int, str]
    declared: Declared
    divided: bool

    @cached_property
    def kind(self) -> Kind:
        """What kind of image most cases are."""
        if all(case.shape[2] == 1 for case in self.cases):
            return "picture"
        if "CT" in {name.upper() for name in self.declared.channels}:
            return "CT"
        scans = sum(case.modality == "CT" or (not case.modality and case.hounsfield) for case in self.cases)
        return "CT" if 2 * scans > len(self.cases) else "MR"

    @cached_property
    def median_spacing(self) -> Spacing:
        """Along each axis, mm."""
        return _triple(np.median([case.spacing for case in self.cases], axis=0))

    @cached_property
    def is_anisotropic(self) -> bool:
        """Whether the median voxel is more than three times as long as it is wide."""
        return max(self.median_spacing) / min(self.median_spacing) > _ANISOTROPIC

    @cached_property
    def target_spacing(self) -> Spacing:
        """The median; along the coarse axis of anisotropic data the 10th percentile, for thin slices show more.

        It is never finer there than along the other axes (Isensee 2021).
        """
        spacing = list(self.median_spacing)
        if self.is_anisotropic:
            coarse = int(np.argmax(spacing))
            fine = float(np.percentile([case.spacing[coarse] for case in self.cases], 10))
            spacing[coarse] = max(fine, *(value for axis, value in enumerate(spacing) if axis != coarse))
        return _triple(np.array([float(f"{value:.4g}") for value in spacing]))

    def median_shape(self, spacing: Spacing | None) -> Shape:
        """Voxels of the median case at ``spacing``, or at the cases' own."""
        sizes = [
            np.maximum(1, np.round(np.multiply(case.shape, np.divide(case.spacing, spacing or case.spacing))))
            for case in self.cases
        ]
        i, j, k = (round(float(n)) for n in np.median(sizes, axis=0))
        return i, j, k

    @cached_property
    def intensities(self) -> Intensities:
        """See `Intensities`; all channels together."""
        values = np.concatenate([case.samples.ravel() for case in self.cases])
        low, high = (float(value) for value in np.percentile(values, (0.5, 99.5)))
        clipped = values.clip(low, high)
        return Intensities(low, high, float(clipped.mean()), float(clipped.std()))

    @cached_property
    def zeros(self) -> float:
        """The median share of voxels that are exactly 0."""
        return float(np.median([case.zeros for case in self.cases]))

    @cached_property
    def class_counts(self) -> dict[int, int]:
        """Class → its number of cases."""
        return dict(sorted(Counter(case.target for case in self.cases if case.target is not None).items()))

    @cached_property
    def label_counts(self) -> dict[int, int]:
        """Label → the number of cases in which it occurs."""
        return dict(sorted(Counter(value for case in self.cases for value in case.voxels).items()))

    @cached_property
    def orientation(self) -> str:
        """The commonest."""
        return Counter(case.orientation for case in self.cases).most_common(1)[0][0]


def fingerprint(dataset: Dataset, progress: Progress) -> Fingerprint:
    """Read all cases of ``dataset`` that may be trained on, one at a time.

    Raises:
        DatasetError: there are none, their channels differ, or one holds values that are no numbers.
    """
    cases = [case for case in dataset.cases if case.split in ("train", "")]
    if not cases:
        raise DatasetError(f"{dataset.path} has no case to train on; see: vesalius data check {dataset.path}")
    found = []
    with progress.stage("fingerprint", len(cases)):
        for case in cases:
            found.append(examine(case))
            if len(found[-1].channels) != len(found[0].channels):
                raise DatasetError(
                    f"the case {case.name} has {len(found[-1].channels)} channel(s), {found[0].name} has "
                    f"{len(found[0].channels)}; one network takes the same channels of all: leave one of them out"
                )
            progress.advance()
    divided = any(case.split for case in cases)
    return Fingerprint(tuple(found), dataset.classes, declared(dataset.path), divided)


def _triple(values: NDArray[np.float64]) -> Spacing:
    i, j, k = (float(value) for value in values)
    return i, j, k
