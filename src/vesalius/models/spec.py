"""``model.json``: what a model takes, how it is run, what it gives and where it comes from.

Plain data, checked by pydantic; nothing in it is code. The folder around it::

    model.json            this
    weights.safetensors   one file a network
    graph.onnx            the same network as a graph; its weights lie in the .safetensors, they are not repeated
    golden/               a tiny input and its expected output a network, checked by `vesalius models verify`
    README.md             the model card
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from vesalius.results import Label

FORMAT_VERSION = 1
Size = tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]]
Spacing = tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class SpecPart(BaseModel):
    """A part of model.json: immutable, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PercentileIntensity(SpecPart):
    """Clip to percentiles of the whole scan, bring to mean 0 and deviation 1 over the region, then scale and shift."""

    rule: Literal["percentile"] = "percentile"
    low: float = Field(default=0.5, ge=0, le=100)
    high: float = Field(default=99.5, ge=0, le=100)
    scale: float = 1.0
    shift: float = 0.0


class WindowIntensity(SpecPart):
    """Clip to fixed values, subtract ``mean``, divide by ``deviation``: for CT, where a value has a meaning (HU)."""

    rule: Literal["window"] = "window"
    low: float
    high: float
    mean: float = 0.0
    deviation: float = Field(default=1.0, gt=0)


class ZScoreIntensity(SpecPart):
    """Subtract the mean and divide by the deviation of the scan, or of its voxels that are not zero."""

    rule: Literal["zscore"] = "zscore"
    nonzero: bool = False


class NoIntensity(SpecPart):
    """The network takes the scan's own values."""

    rule: Literal["none"] = "none"


Intensity = Annotated[
    PercentileIntensity | WindowIntensity | ZScoreIntensity | NoIntensity, Field(discriminator="rule")
]


class WholeGrid(SpecPart):
    """The network sees its whole region at once, sampled to ``size`` voxels."""

    kind: Literal["whole"] = "whole"
    size: Size
    interpolation: Literal["nearest", "linear"] = "linear"


class SlidingGrid(SpecPart):
    """The network sees overlapping tiles of ``patch`` voxels of the scan at ``spacing`` mm (its own where null)."""

    kind: Literal["sliding"] = "sliding"
    patch: Size
    spacing: Spacing | None = None
    overlap: float = Field(default=0.5, ge=0, lt=1)
    blend: Literal["gaussian", "constant"] = "gaussian"
    skip_at_most: float | None = Field(
        default=None,
        description="tiles in which no voxel of the scan exceeds this value are background and are not run",
    )


Grid = Annotated[WholeGrid | SlidingGrid, Field(discriminator="kind")]


class NetworkSpec(SpecPart):
    """One network: its architecture, weights and graph, what it is fed and what its output channels are."""

    net: str | None = Field(default=None, description="name in vesalius.nets; null: only the graph is there")
    arguments: dict[str, Any] = Field(default_factory=dict)
    planar: bool = Field(default=False, description="a 2D network, run on every slice along K")
    mirror: tuple[Literal[0, 1, 2], ...] = Field(
        default=(), description="axes of its input; the output is averaged over all combinations of flips along them"
    )
    weights: FileName
    graph: FileName
    golden: FileName = Field(
        description="in golden/: safetensors with `input` (1,C,I,J,K) and `output` (1,L,I,J,K), of a classifier (1,L)"
    )
    sha256: Sha256 = Field(description="of the weights file")
    graph_sha256: Sha256
    grid: Grid
    intensity: Intensity = NoIntensity()
    threshold: float | None = Field(
        default=None,
        description="one output channel: foreground where it exceeds this; null: the largest of the channels",
    )
    tolerance: float = Field(
        default=1e-3, gt=0, description="largest difference from the golden output accepted in f32"
    )


class LocatorSpec(SpecPart):
    """A coarse network that finds the region which the main network then looks at.

    The region is the box around the largest connected part labelled 1, after slices in which less than
    ``min_share`` of the voxels are labelled are left out, grown by ``margin`` of its size on each side.
    """

    network: NetworkSpec
    margin: float = Field(default=0.1, ge=0)
    min_share: float = Field(default=0.0, ge=0, lt=1)


class Decision(SpecPart):
    """How a classifier's scores become probabilities and an answer.

    The probabilities are the softmax of the scores divided by ``temperature`` (Guo et al., "On calibration of modern
    neural networks", ICML 2017).
    """

    temperature: float = Field(default=1.0, gt=0)
    label: str | None = Field(default=None, description="the answer, where its probability reaches `threshold`")
    threshold: float = Field(default=0.5, gt=0, lt=1)


class CRFParameters(SpecPart):
    """A fully connected conditional random field over the network's probabilities, see `vesalius.tasks.crf`."""

    smoothness: float = Field(default=3.0, ge=0, description="weight of agreeing with voxels that lie near")
    smoothness_mm: float = Field(default=1.0, gt=0, description="deviation of its kernel")
    appearance: float = Field(
        default=5.0, ge=0, description="weight of agreeing with voxels that lie near and look alike"
    )
    appearance_mm: float = Field(default=5.0, gt=0, description="deviation of its kernel in space")
    appearance_intensity: float = Field(
        default=0.3, gt=0, description="deviation of its kernel in the prepared image, the same for every channel"
    )
    iterations: int = Field(default=5, ge=1, description="of the mean field")


class PostProcessing(SpecPart):
    """What is done to the probabilities on the network's grid, then to each label on the scan's own."""

    crf: CRFParameters | None = None
    threshold: float | None = Field(
        default=None, gt=0.5, lt=1, description="a label whose probability does not reach this gives way to background"
    )
    keep_largest: bool = False
    fill_holes: bool = False

    @property
    def needs_probabilities(self) -> bool:
        """Whether labels alone, without their probabilities, would not do."""
        return self.crf is not None or self.threshold is not None


class FamiliaritySpec(SpecPart):
    """What tells scans like those seen in training from others: an autoencoder that learned from them alone.

    ``usual`` and ``limit`` are the median and the 99 % quantile of its error, as `vesalius.tasks.reconstruct` measures
    it, on ``cases`` scans that neither it nor the main network was trained on.
    """

    network: NetworkSpec = Field(description="its output is its input, restored")
    usual: float = Field(ge=0)
    limit: float = Field(ge=0)
    cases: int = Field(gt=0)

    @model_validator(mode="after")
    def _sees_everything(self) -> FamiliaritySpec:
        if self.network.grid.kind == "sliding" and self.network.grid.skip_at_most is not None:
            raise ValueError("a familiarity network sees all of a scan: its grid has no skip_at_most")
        return self


class LabelPlausibility(SpecPart):
    """What a result has to look like to be believed; each violation is a warning in the report."""

    volume_ml: tuple[float, float] | None = None
    volume_basis: str = Field(default="", description="what these bounds rest on")
    components: int | None = None
    reference_shape: FileName | None = Field(
        default=None,
        description="in the folder: safetensors `occupancy` (N,N,N), RAS, as vesalius.trust.shape.occupancy makes it",
    )
    contrast: Literal["T1"] | None = Field(
        default=None, description="how the label looks: T1 means a brain with dark fluid and bright white matter"
    )


class Origin(SpecPart):
    """Where the weights come from and what they learned from."""

    source: str
    data: str
    citation: str = ""
    licence: str
    copyright: str = ""
    split: str = Field(default="", description="how the data was divided for training, choosing and testing")
    seed: int | None = Field(default=None, description="of that division and of the training")


class MeasuredScore(SpecPart):
    """A figure that somebody measured, and on what."""

    metric: str
    value: float
    on: str
    command: str = Field(default="", description="the command that reproduces it")


class ModelSpec(SpecPart):
    """The whole of model.json."""

    format: Literal[1] = 1
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    version: str
    task: Literal["segment", "classify"]
    summary: str
    uses: tuple[str, ...] = Field(default=(), description="what the model is meant for, a sentence each")
    limits: tuple[str, ...] = Field(default=(), description="what it is not meant for or cannot do, a sentence each")
    modality: tuple[str, ...] = Field(default=(), description="DICOM modality codes that it takes; empty: any")
    channels: tuple[str, ...] = ("image",)
    orientation: str = Field(default="RAS", description="axes of the scan when the network sees it")
    network: NetworkSpec
    locator: LocatorSpec | None = None
    labels: dict[int, Label] = Field(
        description="output channel → label; of a segmentation 0 is background and is not listed"
    )
    decision: Decision | None = Field(default=None, description="of a classifier")
    post: PostProcessing = PostProcessing()
    plausibility: dict[str, LabelPlausibility] = Field(default_factory=dict, description="by the label's name")
    familiarity: FamiliaritySpec | None = Field(default=None, description="flags scans unlike those seen in training")
    origin: Origin
    scores: tuple[MeasuredScore, ...] = ()

    @model_validator(mode="after")
    def _names_agree(self) -> ModelSpec:
        names = {label.name for label in self.labels.values()}
        unknown = set(self.plausibility) - names
        if unknown:
            raise ValueError(f"plausibility names labels that do not exist: {', '.join(sorted(unknown))}")
        if self.task == "segment" and min(self.labels, default=1) < 1:
            raise ValueError("labels are numbered from 1; 0 is background")
        if self.task == "classify" and sorted(self.labels) != list(range(len(self.labels))):
            raise ValueError("the classes are numbered from 0, without gaps")
        if self.decision is not None and self.decision.label not in (None, *names):
            raise ValueError(f"the decision names a label that does not exist: {self.decision.label}")
        return self
