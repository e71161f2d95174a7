"""How training images are varied."""

from __future__ import annotations

import re

from vesalius.train.configure.layout import Layout
from vesalius.train.fingerprint import Fingerprint
from vesalius.transforms.augment import Augmentation
from vesalius.transforms.augment.kinds import (
    Affine,
    BiasField,
    Blur,
    Brightness,
    Contrast,
    Elastic,
    Flip,
    Gamma,
    LowResolution,
    Noise,
)
from vesalius.volume import Shape

_SIDED = re.compile(r"(?<![a-z])(left|right|lh|rh|l|r)(?![a-z])", re.IGNORECASE)
_TINY = 64  # voxels along the longest edge under which a blurred picture shows nothing


def augmentations(
    data: Fingerprint, seen: Layout, patch: Shape, names: list[str]
) -> tuple[tuple[Augmentation, ...], dict[str, str]]:
    """What a recipe varies, and place in it → what that rests on.

    Lengths are in mm, or in pixels where no one says their size.
    """
    flip, why = _flip(seen, names)
    chosen = (*flip, *_spatial(seen, patch), *_values(data), *_detail(seen, patch))
    places = {augmentation.kind: f"augment.{number}" for number, augmentation in enumerate(chosen)}
    reasons = {"augment": why, f"{places['elastic']}.spacing_mm": "a quarter of the patch's shortest edge"}
    if "blur" in places:
        reasons[f"{places['blur']}.sigma_mm"] = "about half a voxel to one"
    return chosen, reasons


def _flip(seen: Layout, names: list[str]) -> tuple[tuple[Augmentation, ...], str]:
    """Left to right only: a patient mirrored so could be another one."""
    sided = [name for name in names if _SIDED.search(name)]
    if sided:
        return (), f"no flips: {sided[0]!r} has a side"
    axis = next(axis for axis, letter in enumerate(seen.orientation) if letter in "LR")
    if axis == 2 and seen.planar:
        return (), "no flips: left and right lie across the slices"
    return (
        Flip(axes=(0 if axis == 0 else 1 if axis == 1 else 2,)),
    ), "left and right only: remove it where sides differ"


def _spatial(seen: Layout, patch: Shape) -> tuple[Augmentation, ...]:
    edges = [n * edge for n, edge in zip(patch, seen.voxel, strict=True) if n > 1]
    lattice = _rounded(min(edges) / 4)
    return (
        Affine(probability=0.8, stretch=0.08),
        Elastic(spacing_mm=lattice, deviation_mm=_rounded(lattice / 10)),
    )


def _values(data: Fingerprint) -> tuple[Augmentation, ...]:
    uneven = (BiasField(),) if data.kind == "MR" else ()
    return (
        Gamma(probability=0.5),
        Contrast(probability=0.5),
        Brightness(probability=0.5),
        *uneven,
        Noise(probability=0.4),
    )


def _detail(seen: Layout, patch: Shape) -> tuple[Augmentation, ...]:
    if max(patch) < _TINY and seen.planar:
        return ()
    edge = min(seen.voxel)
    return Blur(sigma_mm=(_rounded(0.5 * edge), _rounded(1.2 * edge))), LowResolution()


def _rounded(value: float) -> float:
    return float(f"{value:.2g}")
