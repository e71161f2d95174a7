"""Linear interpolation of patches by PyTorch's of pictures, which is vectorised on a CPU; that of volumes is not."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 -- as everywhere in the field
from torch import Tensor


def interpolate(patches: Tensor, places: Tensor) -> Tensor:
    """``patches`` (N, C, I, J, K) at ``places`` (N, 3, I, J, K), in voxels; beyond the border the border goes on.

    The planes of a volume lie below each other as one tall picture, in which each place is looked up in the plane
    before it and in the plane behind it. Places are thereby right to about 1e-7 · I · J voxels.
    """
    first, second, third = places.unbind(1)
    if patches.shape[-1] == 1:
        picture = patches[..., 0]
        return _looked_up(picture, _grid(picture, first[..., 0], second[..., 0]))[..., None]
    planes, rows, _ = patches.shape[2:]
    share = first.clamp(0, planes - 1)
    plane = share.floor()
    row = second.clamp(0, rows - 1).add_(plane, alpha=rows)
    picture = patches.flatten(2, 3)
    grid = _grid(picture, row.flatten(1, 2), third.flatten(1, 2))
    before = _looked_up(picture, grid)
    grid[:, 1] += _step(planes * rows) * rows
    behind = _looked_up(picture, grid)
    return before.lerp_(behind, share.sub_(plane).flatten(1, 2)[:, None]).reshape(patches.shape)


def _grid(pictures: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """(N, 2, h, w): each row and column (N, h, w) of ``pictures`` (N, C, H, W) as PyTorch counts them, from -1 to 1."""
    grid = row.new_empty(len(row), 2, *row.shape[1:])
    torch.mul(column, _step(pictures.shape[3]), out=grid[:, 0])
    torch.mul(row, _step(pictures.shape[2]), out=grid[:, 1])
    return grid.sub_(1)


def _step(length: int) -> float:
    return 2 / max(length - 1, 1)


def _looked_up(pictures: Tensor, grid: Tensor) -> Tensor:
    return F.grid_sample(pictures, grid.permute(0, 2, 3, 1), "bilinear", "border", align_corners=True)
