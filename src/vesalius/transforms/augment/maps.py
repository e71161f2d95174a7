"""Draws the spatial augmentations: each is a map from the new patch to the old one, and all together are one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from vesalius.transforms.augment.axes import MEAN_SQUARE
from vesalius.transforms.augment.draws import log_even, signed, touched
from vesalius.transforms.augment.kinds import Affine, Crop, Elastic, Flip, Spatial
from vesalius.transforms.augment.warp import Size, Spacing, Warp

_UNFOLDED = 0.4  # of the lattice's spacing: cubic B-splines whose coefficients stay below do not fold (Choi & Lee 2000)

Linear = tuple[Tensor, Tensor]


def draw_warp(kinds: Sequence[Spatial], count: int, size: Size, spacing: Spacing, generator: Generator) -> Warp:
    """One map for each of ``count`` samples: that of ``kinds`` applied one after the other, the elastic one last."""
    matrix, shift = torch.eye(3).repeat(count, 1, 1), torch.zeros(count, 3)
    lattice: Tensor | None = None
    for kind in kinds:
        chosen = touched(kind, count, generator)
        if not chosen.any():
            continue
        if isinstance(kind, Elastic):
            lattice = _lattice(kind, count, size, spacing, generator) * chosen[:, None, None, None, None]
            continue
        own, moved = _linear(kind, count, size, spacing, generator)
        own = torch.where(chosen[:, None, None], own, torch.eye(3))
        moved = torch.where(chosen[:, None], moved, torch.zeros(3))
        shift = shift + (matrix @ moved[..., None])[..., 0]
        matrix = matrix @ own
    return Warp(size, spacing, matrix, shift, lattice)


def _linear(kind: Spatial, count: int, size: Size, spacing: Spacing, generator: Generator) -> Linear:
    """Matrix (N, 3, 3) and shift (N, 3) in mm of one kind, new → old."""
    match kind:
        case Flip():
            return _flip(kind, count, size, generator)
        case Crop():
            return _crop(kind, count, size, spacing, generator)
        case Affine():
            return _affine(kind, count, size, generator)
        case _:
            raise TypeError(f"{type(kind).__name__} is no linear map")


def _flip(kind: Flip, count: int, size: Size, generator: Generator) -> Linear:
    mirrored = torch.rand(count, 3, generator=generator) < 0.5
    allowed = torch.tensor([axis in kind.axes and n > 1 for axis, n in enumerate(size)])
    return torch.diag_embed(1.0 - 2.0 * (mirrored & allowed)), torch.zeros(count, 3)


def _crop(kind: Crop, count: int, size: Size, spacing: Spacing, generator: Generator) -> Linear:
    share = log_even(kind.share, count, generator)[:, None]
    extent = _extent(size)
    room = (1 - share) / 2 * torch.tensor(size) * torch.tensor(spacing) * extent
    return torch.diag_embed(torch.where(extent > 0, share, 1.0)), signed(count, 3, generator) * room


def _affine(kind: Affine, count: int, size: Size, generator: Generator) -> Linear:
    """A patient enlarged by s is sampled 1/s as far from the middle, so all is inverse here."""
    extent = _extent(size)
    in_plane = extent[[1, 0, 0]] * extent[[2, 2, 1]]  # what a turn about an axis moves are the other two
    turn = _rotations(signed(count, 3, generator) * math.radians(kind.degrees) * in_plane)
    scale = log_even(kind.scale, count, generator)[:, None] * (1 + kind.stretch * signed(count, 3, generator))
    slant = kind.shear * signed(count, 9, generator).reshape(count, 3, 3) * (1 - torch.eye(3))
    shear = torch.eye(3) + slant * extent[:, None] * extent
    shift = kind.shift_mm * signed(count, 3, generator) * extent
    return turn @ torch.diag_embed(torch.where(extent > 0, 1 / scale, 1.0)) @ shear, shift


def _lattice(kind: Elastic, count: int, size: Size, spacing: Spacing, generator: Generator) -> Tensor:
    """Coefficients (N, 3, a, b, c) in mm; one along an axis of one voxel, along which nothing moves."""
    extent = _extent(size)
    lengths = [(n - 1) * mm for n, mm in zip(size, spacing, strict=True)]
    cells = [max(1, round(length / kind.spacing_mm)) for length in lengths]
    points = [cell + 3 if n > 1 else 1 for cell, n in zip(cells, size, strict=True)]
    deviation = kind.deviation_mm / math.pow(MEAN_SQUARE, float(extent.sum()) / 2)
    drawn = deviation * torch.randn(count, 3, *points, generator=generator)
    most = _UNFOLDED * torch.tensor([length / cell for length, cell in zip(lengths, cells, strict=True)])
    return drawn.minimum(most[:, None, None, None]).maximum(-most[:, None, None, None])


def _rotations(angles: Tensor) -> Tensor:
    """(N, 3) radians about the three axes, one after the other → (N, 3, 3)."""
    out = torch.eye(3).repeat(len(angles), 1, 1)
    cosine, sine = angles.cos(), angles.sin()
    for axis, (a, b) in enumerate(((1, 2), (2, 0), (0, 1))):
        turn = torch.eye(3).repeat(len(angles), 1, 1)
        turn[:, a, a], turn[:, a, b] = cosine[:, axis], -sine[:, axis]
        turn[:, b, a], turn[:, b, b] = sine[:, axis], cosine[:, axis]
        out = turn @ out
    return out


def _extent(size: Size) -> Tensor:
    """1 along the axes that the patch extends in, 0 along those of one voxel."""
    return torch.tensor([float(n > 1) for n in size])
