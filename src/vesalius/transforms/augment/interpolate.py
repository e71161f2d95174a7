"""Linear interpolation of patches, by PyTorch's interpolation of pictures, which is vectorised; that of volumes is not."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 -- as everywhere in the field
from torch import Tensor


def interpolate(patches: Tensor, places: Tensor) -> Tensor:
    """``patches`` (N, C, I, J, K) at ``places`` (N, 3, I, J, K), in voxels; beyond the border the border goes on.

    The planes of a volume lie below each other as one tall picture, in which each place is looked up in the plane before
    it and in the plane behind it. Places are thereby right to about 1e-7 · I · J voxels.
    """
    first, second, third = places.unbind(1)
    if patches.shape[-1] == 1:
        return _picture(patches[..., 0], first[..., 0], second[..., 0])[..., None]
    planes, rows, _ = patches.shape[2:]
    share = first.clamp(0, planes - 1)
    plane = share.floor()
    share = share.sub_(plane).flatten(1, 2)[:, None]
    row = second.clamp(0, rows - 1).add_(plane, alpha=rows).flatten(1, 2)
    tall, column = patches.flatten(2, 3), third.flatten(1, 2)
    before, behind = _picture(tall, row, column), _picture(tall, row + rows, column)
    return before.lerp_(behind, share).reshape(patches.shape)


def _picture(pictures: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """``pictures`` (N, C, H, W) at each row and column (N, h, w)."""
    height, width = pictures.shape[2:]
    across, down = column * (2 / max(width - 1, 1)) - 1, row * (2 / max(height - 1, 1)) - 1
    grid = torch.stack((across, down), 1).permute(0, 2, 3, 1)
    return F.grid_sample(pictures, grid, "bilinear", "border", align_corners=True)
