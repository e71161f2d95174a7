"""The rules that a plausible result obeys: each looks at one thing and may raise one warning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vesalius.measure.tally import Tally
from vesalius.models.spec import LabelPlausibility, ModelSpec
from vesalius.results import Labelmap, Measurement, Warning
from vesalius.trust.contrast import air_value, brain_appearance, t1_oddity
from vesalius.trust.shape import fit_shape, occupancy
from vesalius.trust.wording import attitude, sides
from vesalius.volume import Array, Volume

_CUT_SHARE = 0.10
_LIKENESS = 0.80
_TURNED_MARGIN = 0.005


@dataclass(frozen=True, eq=False)
class Case:
    """All that a rule about the whole result may look at."""

    spec: ModelSpec
    volume: Volume
    labelmap: Labelmap
    measurements: Mapping[str, Measurement]


@dataclass(frozen=True, eq=False)
class Subject:
    """All that a rule about one label, which has voxels, may look at."""

    name: str
    value: int
    expected: LabelPlausibility
    reference: Array | None
    measured: Measurement
    tally: Tally
    case: Case

    @cached_property
    def mask(self) -> NDArray[np.bool_]:
        """The label in its bounding box."""
        mask: NDArray[np.bool_] = self.case.labelmap.voxels[self.tally.box.slices] == self.value
        return mask


def orientation_known(_spec: ModelSpec, volume: Volume) -> Warning | None:
    """Whether the scan says how it lies in the patient; of a picture nobody expects it, and no length is given."""
    if volume.source.orientation_known or volume.is_picture:
        return None
    return Warning(
        code="orientation-unknown",
        message=f"The scan does not say how it lies in the patient, {volume.geometry.orientation} was assumed: "
        "left and right may be exchanged and lengths may be wrong; check with the original images.",
    )


def modality_suits(spec: ModelSpec, volume: Volume) -> Warning | None:
    """Whether the model was made for this kind of scan."""
    modality, suited = volume.modality, spec.modality
    if not modality or not suited or modality in suited:
        return None
    return Warning(
        code="unexpected-modality",
        message=f"The scan is {modality}, the model {spec.name!r} was made for {' or '.join(suited)}: "
        "do not rely on the result; check that this is the scan you meant.",
    )


def something_found(case: Case) -> Warning | None:
    """Whether what was looked for is there."""
    absent = [name for name in case.spec.plausibility if not _is_present(case, name)]
    if absent:
        return Warning(
            code="label-not-found",
            message=f"No {_listed(absent)} was found: check that the scan shows it and has the contrast that the model "
            f"{case.spec.name!r} takes.",
        )
    if case.measurements and all(measured.voxel_count == 0 for measured in case.measurements.values()):
        return Warning(
            code="nothing-found",
            message=f"Nothing was found: check that the scan shows what the model {case.spec.name!r} looks for.",
        )
    return None


def _is_present(case: Case, name: str) -> bool:
    return name in case.measurements and case.measurements[name].voxel_count > 0


def _listed(names: list[str]) -> str:
    return " and no ".join(names)


def volume_usual(subject: Subject) -> Warning | None:
    """Whether the label's volume is in its usual range."""
    usual, volume = subject.expected.volume_ml, subject.measured.volume_ml
    if usual is None or volume is None:
        return None
    low, high = usual
    if low <= volume <= high:
        return None
    return Warning(
        code="volume-unusual",
        message=f"The {subject.name} measures {volume:.0f} ml, {'less' if volume < low else 'more'} than the usual "
        f"{low:.0f} to {high:.0f} ml: check its outline, and the voxel size {_spacing(subject.case.volume)}.",
    )


def _spacing(volume: Volume) -> str:
    return " × ".join(f"{length:.3g}" for length in volume.geometry.spacing) + " mm"


def parts_usual(subject: Subject) -> Warning | None:
    """Whether the label has its usual number of parts."""
    expected, found = subject.expected.components, subject.measured.components
    if expected is None or found == expected:
        return None
    return Warning(
        code="parts-unusual",
        message=f"The {subject.name} has {found} separate parts where {expected} {'is' if expected == 1 else 'are'} "
        "usual: check its outline.",
    )


def uncut(subject: Subject) -> Warning | None:
    """Whether the label ends before the scan does; its small end, as a brain's stem, may leave it."""
    cut = []
    for axis, plane in enumerate(subject.tally.planes):
        for end in (0, -1):
            share = plane[end] / plane.max()
            if share > _CUT_SHARE and len(plane) > 1:
                cut.append((axis, end, share))
    if not cut:
        return None
    where = sides(subject.case.volume.geometry, [(axis, end) for axis, end, _ in cut])
    return Warning(
        code="cut-off",
        message=f"The {subject.name} is cut off by the {where} edge of the scan, where its cross-section is still "
        f"{max(share for *_, share in cut):.0%} of its largest: the measurements are of the part that is there.",
    )


def lies_usual(subject: Subject) -> Warning | None:
    """Whether the label has its usual shape and lies in the patient as usual."""
    if subject.reference is None:
        return None
    geometry = subject.case.labelmap.geometry.cropped(subject.tally.box)
    fit = fit_shape(occupancy(subject.mask, geometry, len(subject.reference)), subject.reference)
    if max(fit.turned, fit.as_it_lies) < _LIKENESS:
        return Warning(
            code="shape-unusual",
            message=f"The {subject.name} does not have its usual shape, however it is turned (correlation "
            f"{max(fit.turned, fit.as_it_lies):.2f}; usual is {_LIKENESS:.2f} or more): check its outline.",
        )
    if fit.turned - fit.as_it_lies < _TURNED_MARGIN:
        return None
    return Warning(
        code="orientation-doubtful",
        message=f"The {subject.name} looks {attitude(fit.turn)} (its shape fits better turned, correlation "
        f"{fit.turned:.2f}, than as it lies, {fit.as_it_lies:.2f}): the orientation in the scan's header may be wrong, "
        "then left and right may be exchanged too; check with the original images.",
    )


def contrast_suits(subject: Subject) -> Warning | None:
    """Whether the label looks as in the kind of scan that the model was made for."""
    if subject.expected.contrast is None:
        return None
    geometry = subject.case.volume.geometry.cropped(subject.tally.box)
    voxels = subject.case.volume.voxels[0]
    look = brain_appearance(voxels[subject.tally.box.slices], subject.mask, geometry, air_value(voxels))
    oddity = t1_oddity(look) if look is not None else None
    if oddity is None:
        return None
    return Warning(
        code="contrast-unusual",
        message=f"The {subject.name} does not look as in a T1-weighted MRI: {oddity}. The model "
        f"{subject.case.spec.name!r} was made for T1: check the outline, or use a T1 scan.",
    )
