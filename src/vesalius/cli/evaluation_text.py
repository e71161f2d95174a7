"""An evaluation as text for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from vesalius.cli.show import table

if TYPE_CHECKING:
    from vesalius.measure.resampling import Interval
    from vesalius.train.evaluate.records import (
        Classifications,
        Comparison,
        Evaluation,
        Segmentations,
        Spread,
    )

_WORST = 5
_COLUMNS = 4  # of the table: labels, or where there are more of them, figures
_VOXELS = ("voxel_auroc", "voxel_auprc")
_NAMES: Mapping[str, str] = {
    "dice": "Dice",
    "iou": "IoU",
    "hd95_mm": "HD95 (mm)",
    "assd_mm": "ASSD (mm)",
    "nsd": "NSD",
    "volume_error_ml": "volume error (ml)",
    "volume_error_relative": "relative volume error",
    "voxel_auroc": "voxel AUROC",
    "voxel_auprc": "voxel AUPRC",
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "f1": "F1",
    "ece": "calibration error",
    "brier": "Brier score",
}
_SHOWN = ("dice", "hd95_mm", "assd_mm", "nsd", "volume_error_ml", "sensitivity", "precision")
_PER_CLASS = ("auroc", "f1", "sensitivity", "specificity")
_COMPARED = ("dice", "hd95_mm", "assd_mm", "nsd", "accuracy", "auroc", "brier")


def text(found: Evaluation) -> str:
    """What a person wants to know at once: the figures, the worst cases, and what did not go well."""
    running, data = found.running, found.data
    blocks = [f"{found.model.name} {found.model.version} on {data.path}, {data.words}"]
    if found.segmentation is not None:
        blocks.append("\n".join(_segmentations(found.segmentation)))
    if found.classification is not None:
        blocks.append("\n".join(_classifications(found.classification)))
    last = [f"{running.engine} {running.precision} on {running.device}, {running.seconds_mean:.2f} s a case"]
    last += [f"Warning: {note}" for note in found.notes]
    last += [f"Failed: {name}: {reason}" for name, reason in found.failures.items()]
    return "\n\n".join([*blocks, "\n".join(last)])


def comparison_text(found: Comparison) -> str:
    """The differences, and whether they may be chance."""
    rows = [("", "", "difference (95 % interval)", "p", "cases")]
    for group, differences in found.differences.items():
        for name in (name for name in _COMPARED if name in differences):
            one = differences[name]
            p = "" if one.p_value is None else f"{one.p_value:.2g}"
            rows.append((group, _name(name), _interval(one.difference, "+"), p, str(one.cases)))
    heading = f"Less {found.model.name} {found.model.version}, on the {found.cases} cases of both ({found.against}):"
    return f"\n{heading}\n{table(rows)}"


def _segmentations(found: Segmentations) -> Iterator[str]:
    names = [name for name in (*_SHOWN, *_VOXELS) if name in found.overall]
    few = len(found.labels) <= _COLUMNS
    if not few:
        names = names[:_COLUMNS]
    heading = ["mean (95 % interval)", *(_heading(name, found) for name in names)]
    count = len(found.cases)
    rows = [[label, *(_spread(spreads.get(name), count) for name in names)] for label, spreads in _rows(found)]
    lines = [heading, *rows]
    yield table(list(zip(*lines, strict=True)) if few else lines)
    for label, pooled in found.pooled.items():
        shares = (f"{_name(name)} {value:.4f}" for name, value in pooled.items() if value is not None)
        yield f"{label}, voxels of all cases together: {', '.join(shares)}"
    yield ""
    yield from _worst([(case.name, f"Dice {case.dice:.3f}") for case in found.cases if case.dice is not None])


def _heading(name: str, found: Segmentations) -> str:
    """The figure's name with its unit."""
    title = f"NSD at {found.tolerance_mm:g} mm" if name == "nsd" else _name(name)
    return title.replace("mm", "pixels").replace("(ml)", "(1000 pixels)") if found.pictures else title


def _rows(found: Segmentations) -> list[tuple[str, Mapping[str, Spread]]]:
    """The labels, and their mean where there are several."""
    return [*found.labels.items(), *([("mean of the labels", found.overall)] if len(found.labels) > 1 else [])]


def _classifications(found: Classifications) -> Iterator[str]:
    about = "mean of the classes" if found.positive is None else found.positive
    limit = "" if found.threshold is None else f" from {found.threshold:g}"
    rows = [[_name(name), _interval(interval)] for name, interval in found.overall.items()]
    yield table([["figure (95 % interval)", about + limit], *rows])
    yield ""
    if found.positive is None:
        classes = [[name, *(_interval(figures[one]) for one in _PER_CLASS)] for name, figures in found.classes.items()]
        yield table([["class", *(_name(one) for one in _PER_CLASS)], *classes])
        yield ""
    answers = list(found.confusion)
    cells = [[true, *(str(row[answer]) for answer in answers)] for true, row in found.confusion.items()]
    yield table([["true class, answers", *answers], *cells])
    yield ""
    yield from _worst(
        [
            (case.name, f"{case.truth}, whose probability is {case.probabilities[case.truth]:.1%}")
            for case in found.cases
            if case.answer != case.truth
        ]
    )


def _worst(cases: Sequence[tuple[str, str]]) -> Iterator[str]:
    if cases:
        yield "Worst cases:"
        yield table(cases[:_WORST])


def _spread(spread: Spread | None, cases: int) -> str:
    """The mean; and of how many cases, where not of all."""
    if spread is None:
        return "-"
    return _interval(spread.mean) + (f" of {spread.cases}" if spread.cases < cases else "")


def _interval(interval: Interval | None, sign: str = "") -> str:
    if interval is None:
        return "-"
    return f"{interval.estimate:{sign}.3f} ({interval.low:{sign}.3f} to {interval.high:{sign}.3f})"


def _name(figure: str) -> str:
    return _NAMES.get(figure, figure.replace("_", " "))
