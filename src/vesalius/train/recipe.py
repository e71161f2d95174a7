"""A recipe: the TOML that says how a model is made, as plain data. It is validated, and never evaluated as code.

::

    name = "hippocampus"
    task = "segment"
    [labels.1]
    name = "anterior hippocampus"
    [data]
    spacing = [1.0, 1.0, 1.0]
    [network]
    net = "residual-unet"
    [[augment]]
    kind = "flip"
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from vesalius.models.spec import FileName, Grid, Intensity, LabelPlausibility, NoIntensity, PostProcessing
from vesalius.results import Label
from vesalius.transforms.augment import Augmentation


class RecipePart(BaseModel):
    """A part of a recipe: immutable, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Split(RecipePart):
    """Which cases are kept from training, to choose and to measure by: one of ``folds`` equal parts of the patients.

    Cases of one patient stay together. It holds for data that do not bring a split of their own.
    """

    folds: int = Field(default=5, ge=2)
    fold: int = Field(default=0, ge=0)
    seed: int = Field(default=0, ge=0)


class Data(RecipePart):
    """What is read and how it is brought to tensors."""

    manifest: FileName | None = Field(default=None, description="table beside the recipe; its paths are DATA's")
    split: Split = Split()
    training_cases: int | None = Field(default=None, gt=0, description="use only so many of the training cases")
    grid: Grid = Field(description="as in model.json: the patch that the network sees, at which spacing")
    intensity: Intensity = NoIntensity()


class Corruption(RecipePart):
    """What an autoencoder has to undo (task reconstruct)."""

    kind: Literal["none", "noise", "mask"] = "none"
    deviation: float = Field(default=0.2, gt=0, description="of the noise, in units of the prepared image")
    share: float = Field(default=0.6, gt=0, lt=1, description="of the image that is masked")
    block: int = Field(default=4, gt=0, description="edge of a masked block, in voxels")


class Network(RecipePart):
    """Which network."""

    net: str = Field(description="name in vesalius.nets")
    arguments: dict[str, Any] = Field(default_factory=dict)
    planar: bool = Field(default=False, description="a 2D network, run on every slice of the third axis")
    start: str | None = Field(default=None, description="a model folder whose weights are taken over where they fit")
    freeze_steps: int = Field(default=0, ge=0, description="so many steps train only what `start` did not bring")
    start_rate: float = Field(default=1.0, gt=0, description="learning rate of what `start` brought, as a share")


class Loss(RecipePart):
    """A sum of terms; with deep supervision each output counts half as much as the next finer one."""

    terms: dict[str, float] = Field(description="name in vesalius.train.losses → weight")
    class_weights: tuple[float, ...] | None = None


class Training(RecipePart):
    """How long and how fast."""

    steps: int = Field(gt=0)
    batch: int = Field(gt=0, description="patches or pictures a step, of all processes together")
    accumulate: int = Field(default=1, gt=0, description="the batch is computed in so many parts, to save memory")
    optimiser: Literal["adamw", "sgd"] = "adamw"
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    warmup: int = Field(default=50, ge=0, description="steps in which the rate rises; then it falls as a cosine")
    clip: float = Field(default=1.0, gt=0, description="largest norm of the gradient")
    ema: float = Field(default=0.0, ge=0, lt=1, description="decay of the moving average of the weights; 0: none")
    foreground: float = Field(default=0.33, ge=0, le=1, description="share of patches centred on a labelled voxel")
    balance: bool = Field(default=False, description="draw each class equally often")
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    validate_every: int = Field(default=250, gt=0)
    checkpoint_every: int = Field(default=100, gt=0)
    patience: int | None = Field(default=None, gt=0, description="stop after so many validations without a better one")


class Provenance(RecipePart):
    """What the model card says of the data."""

    data: str
    citation: str = ""
    licence: str


class Recipe(RecipePart):
    """The whole of a recipe."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    version: str = "1.0"
    task: Literal["segment", "classify", "reconstruct"]
    summary: str = ""
    uses: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    modality: tuple[str, ...] = ()
    channels: tuple[str, ...] = ("image",)
    orientation: str = "RAS"
    seed: int = Field(default=0, ge=0, lt=2**32)
    labels: dict[int, Label] = Field(default_factory=dict)
    data: Data
    network: Network
    augment: tuple[Augmentation, ...] = ()
    corruption: Corruption = Corruption()
    mirror: tuple[Literal[0, 1, 2], ...] = Field(
        default=(), description="spatial axes that the model averages flips over"
    )
    loss: Loss
    training: Training
    post: PostProcessing = PostProcessing()
    plausibility: dict[str, LabelPlausibility] = Field(default_factory=dict)
    origin: Provenance
