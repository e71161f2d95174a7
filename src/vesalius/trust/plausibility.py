"""Whether a segmentation can be believed: the model's rules, held against the scan and each label.

What they cannot see: left and right exchanged around an organ that is symmetric, as the brain is to within the rules'
precision; a wrong outline of the usual size and shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from vesalius.measure.tally import tally_labels
from vesalius.models.spec import LabelPlausibility, ModelSpec
from vesalius.results import Labelmap, Measurement, Warning
from vesalius.trust import rules
from vesalius.trust.rules import Case, Subject
from vesalius.volume import Array, Volume

ReferenceShape = Callable[[LabelPlausibility], Array | None]

_SCAN_RULES: tuple[Callable[[ModelSpec, Volume], Warning | None], ...] = (
    rules.orientation_known,
    rules.modality_suits,
)
_LABEL_RULES: tuple[Callable[[Subject], Warning | None], ...] = (
    rules.volume_usual,
    rules.parts_usual,
    rules.uncut,
    rules.lies_usual,
    rules.contrast_suits,
)


def check_scan(spec: ModelSpec, volume: Volume) -> list[Warning]:
    """Hold the scan alone against what the model was made for."""
    found = [rule(spec, volume) for rule in _SCAN_RULES]
    return [warning for warning in found if warning is not None]


def check(
    spec: ModelSpec,
    reference_shape: ReferenceShape,
    volume: Volume,
    labelmap: Labelmap,
    measurements: Mapping[str, Measurement],
) -> list[Warning]:
    """Hold a segmentation against what the model's ``plausibility`` says that one has to look like.

    Args:
        spec: the model's description.
        reference_shape: reads the reference that a label's rules name, as `ModelFolder.reference_shape` does.
        volume: the scan.
        labelmap: its segmentation, on the same grid.
        measurements: of the labelmap, by the label's name.
    """
    case = Case(spec, volume, labelmap, measurements)
    found = [rules.something_found(case)]
    for subject in _subjects(case, reference_shape):
        found += [rule(subject) for rule in _LABEL_RULES]
    return check_scan(spec, volume) + [warning for warning in found if warning is not None]


def _subjects(case: Case, reference_shape: ReferenceShape) -> Iterator[Subject]:
    values = {label.name: value for value, label in case.labelmap.labels.items()}
    present = {
        name: expected
        for name, expected in case.spec.plausibility.items()
        if name in values and case.measurements[name].voxel_count > 0
    }
    tallies = tally_labels(case.labelmap.voxels, [values[name] for name in present])
    for name, expected in present.items():
        value = values[name]
        reference = reference_shape(expected)
        yield Subject(name, value, expected, reference, case.measurements[name], tallies[value], case)
