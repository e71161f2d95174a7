"""``evaluation.json``: everything that an evaluation found, case by case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from vesalius.measure.resampling import Interval
from vesalius.results import ModelRecord, Record

Figures = Mapping[str, float | None]


class DataRecord(Record):
    """Which cases were evaluated."""

    path: str
    layout: str
    part: str = Field(description="train, validation, test or all")
    words: str = Field(description="how the part came about")
    fold: int | None = None
    folds: int | None = None
    seed: int | None = None


class Running(Record):
    """What ran the network, and how long a case took: the model on the scan in memory, reading apart."""

    engine: str
    precision: str
    device: str
    seconds_mean: float
    seconds_median: float
    seconds_max: float


class SegmentedCase(Record):
    """One case; a label that is neither in its reference nor in the prediction has no figures."""

    name: str
    patient: str
    seconds: float
    dice: float | None = Field(description="the mean over its labels")
    labels: Mapping[str, Figures]


class Spread(Record):
    """A figure over the cases that have one; their draws are by patient."""

    mean: Interval
    median: Interval
    cases: int


class Segmentations(Record):
    """Of a model that segments; the worst case comes first.

    ``overall`` is the mean over the labels of each label's mean, or median. ``pooled`` ranks the voxels of all cases
    together, where that was asked for.
    """

    tolerance_mm: float = Field(description="of NSD")
    pictures: bool = Field(description="the data are pictures: what is called mm is pixels, and ml thousands of them")
    cases: tuple[SegmentedCase, ...]
    overall: Mapping[str, Spread]
    labels: Mapping[str, Mapping[str, Spread]]
    pooled: Mapping[str, Figures] = Field(default_factory=dict)


class ClassifiedCase(Record):
    """One case."""

    name: str
    patient: str
    seconds: float
    truth: str
    answer: str
    probabilities: Mapping[str, float]


class Classifications(Record):
    """Of a model that classifies; the worst case, whose own class was least probable, comes first.

    ``overall`` is of the ``positive`` class where there are two, else the mean over the classes; accuracy, calibration
    error (ece) and Brier's score are always of all.
    """

    positive: str | None
    threshold: float | None = Field(description="of the positive class, where the model sets one")
    cases: tuple[ClassifiedCase, ...]
    overall: Mapping[str, Interval | None]
    classes: Mapping[str, Mapping[str, Interval | None]]
    confusion: Mapping[str, Mapping[str, int]] = Field(description="true class → answer → cases")


class Difference(Record):
    """A figure of this evaluation less that of another on the same cases; p is Wilcoxon's, of paired cases."""

    difference: Interval
    p_value: float | None
    cases: int


class Comparison(Record):
    """Two models on the cases that both were evaluated on."""

    against: str
    model: ModelRecord
    cases: int
    differences: Mapping[str, Mapping[str, Difference]] = Field(description="label, or overall → figure")


class Evaluation(Record):
    """The whole of evaluation.json."""

    version: Literal["1.0"] = "1.0"
    created: str = Field(description="date and time, ISO 8601, UTC")
    vesalius_version: str
    model: ModelRecord
    data: DataRecord
    running: Running
    segmentation: Segmentations | None = None
    classification: Classifications | None = None
    comparison: Comparison | None = None
    failures: Mapping[str, str] = Field(default_factory=dict, description="cases that could not be evaluated, and why")
    notes: tuple[str, ...] = Field(default=(), description="what the reader must know about the figures")
