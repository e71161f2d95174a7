"""The augmentations as plain data: what a recipe says of each. What they do stands in `maps` and `intensity`.

Ranges are drawn from evenly in the logarithm, so that twice and half are as likely.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _ascending(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"a range begins with its smaller end, not {bounds[0]:g} … {bounds[1]:g}")
    return bounds


Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
OneOrMore = Annotated[float, Field(ge=1, allow_inf_nan=False)]
PositiveShare = Annotated[float, Field(gt=0, le=1)]
Range = Annotated[tuple[Positive, Positive], AfterValidator(_ascending)]
ShareRange = Annotated[tuple[PositiveShare, PositiveShare], AfterValidator(_ascending)]
FactorRange = Annotated[tuple[OneOrMore, OneOrMore], AfterValidator(_ascending)]
Axis = Literal[0, 1, 2]


class Kind(BaseModel):
    """One augmentation."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    probability: Share = Field(default=1.0, description="of touching a sample at all")


class Flip(Kind):
    """Mirror along each of ``axes`` with an even chance: only where the mirrored patient could be another one."""

    kind: Literal["flip"] = "flip"
    axes: Annotated[tuple[Axis, ...], Field(min_length=1)] = (0,)


class Affine(Kind):
    """Turn, scale, shear and shift about the middle of the patch, in millimetres; a picture only within its plane."""

    kind: Literal["affine"] = "affine"
    probability: Share = 0.5
    degrees: float = Field(default=15.0, ge=0, le=180, description="turn about each axis by up to so much")
    scale: Range = (0.85, 1.2)
    stretch: float = Field(default=0.0, ge=0, lt=1, description="scale each axis by up to this share more or less")
    shear: float = Field(default=0.0, ge=0, lt=0.5, description="up to so many mm to the side for each mm along")
    shift_mm: float = Field(default=0.0, ge=0, allow_inf_nan=False, description="along each axis, up to so much")


class Elastic(Kind):
    """A smooth random displacement: cubic B-splines on a lattice (Rueckert 1999), kept from folding (Choi & Lee 2000).

    Along each axis it has the deviation ``deviation_mm``, unless that is so much that it would fold: no control point
    moves by more than 0.4 of ``spacing_mm``. Whatever its place in the recipe, it acts on the changed patch: turned and
    scaled patients are all deformed in the same millimetres of what the network sees.
    """

    kind: Literal["elastic"] = "elastic"
    probability: Share = 0.3
    spacing_mm: Positive = Field(default=16.0, description="between the points of the lattice, about")
    deviation_mm: Positive = 1.0


class Crop(Kind):
    """Enlarge a random box of the patch, of a share of its edges, to the whole patch (Szegedy 2015)."""

    kind: Literal["crop"] = "crop"
    probability: Share = 0.3
    share: ShareRange = (0.7, 1.0)


class Gamma(Kind):
    """Raise the values, brought to 0…1 over the sample, to a power, and back to their mean and deviation."""

    kind: Literal["gamma"] = "gamma"
    probability: Share = 0.3
    power: Range = (0.7, 1.5)


class Contrast(Kind):
    """Multiply the distance from the sample's mean."""

    kind: Literal["contrast"] = "contrast"
    probability: Share = 0.15
    factor: Range = (0.75, 1.25)


class Brightness(Kind):
    """Add a normally distributed number, in deviations of the sample."""

    kind: Literal["brightness"] = "brightness"
    probability: Share = 0.15
    deviation: Positive = 0.2


class BiasField(Kind):
    """Multiply the height above the sample's minimum by a smooth field around 1, as a coil's uneven sensitivity does.

    The logarithm of the field is a cubic B-spline of the given deviation.
    """

    kind: Literal["bias-field"] = "bias-field"
    probability: Share = 0.3
    deviation: Positive = 0.2
    points: int = Field(default=5, ge=4, le=64, description="of the lattice along each axis")


class Noise(Kind):
    """Add Gaussian noise of a deviation up to this share of the sample's own."""

    kind: Literal["noise"] = "noise"
    probability: Share = 0.15
    deviation: Positive = 0.2


class Blur(Kind):
    """Gaussian blur, of the same millimetres along every axis."""

    kind: Literal["blur"] = "blur"
    probability: Share = 0.2
    sigma_mm: Range = (0.5, 1.2)


class LowResolution(Kind):
    """Average over voxels larger by a factor, drawn for each axis, and interpolate linearly back."""

    kind: Literal["low-resolution"] = "low-resolution"
    probability: Share = 0.25
    factor: FactorRange = (1.0, 2.0)


Spatial = Flip | Affine | Elastic | Crop
Augmentation = Annotated[
    Flip | Affine | Elastic | Crop | Gamma | Contrast | Brightness | BiasField | Noise | Blur | LowResolution,
    Field(discriminator="kind"),
]
