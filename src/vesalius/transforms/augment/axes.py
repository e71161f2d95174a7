"""Small dense matrices along the axes of a patch: on a CPU hardly slower than the memory, and right at the borders."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

MEAN_SQUARE = 151 / 315  # of what the cubic B-splines at one place contribute: ∫ B(x)² dx


def along(patches: Tensor, matrices: Sequence[Tensor]) -> Tensor:
    """(N, C, a, b, c) and matrices (N or 1, I, a), (N or 1, J, b), (N or 1, K, c) → (N, C, I, J, K)."""
    first, second, third = matrices
    count, channels, a, b, c = patches.shape
    out = first[:, None] @ patches.reshape(count, channels, a, b * c)
    out = second[:, None, None] @ out.reshape(count, channels, -1, b, c)
    flat = out.reshape(count, -1, c) @ third.mT
    return flat.reshape(*out.shape[:-1], -1)


def bspline(length: int, points: int, device: torch.device) -> Tensor:
    """(1, length, points): cubic B-splines whose knots are spread over the axis, the outermost beyond its ends."""
    if points == 1:
        return torch.ones(1, length, 1, device=device)
    place = torch.linspace(0, points - 3, length, device=device)
    distance = (place[:, None] + 1 - torch.arange(points, device=device)).abs()
    near = 2 / 3 - distance.square() + distance.pow(3) / 2
    far = (2 - distance).clamp(min=0).pow(3) / 6
    return torch.where(distance < 1, near, far)[None]


def gaussian(length: int, sigma: Tensor) -> Tensor:
    """(N, length, length) from ``sigma`` (N) in voxels; each row sums to 1, also at the borders."""
    place = torch.arange(length, device=sigma.device)
    squared = (place[:, None] - place).square()
    weights = torch.exp(-squared / (2 * sigma[:, None, None].square().clamp(min=1e-6)))
    return weights / weights.sum(-1, keepdim=True)


def coarser(length: int, factor: Tensor) -> Tensor:
    """(N, length, length) from ``factor`` (N): average over coarser voxels, then linearly back to the old ones."""
    count = (length / factor).round().clamp(min=1)[:, None, None]
    width = length / count
    voxel = torch.arange(length, device=factor.device)
    edge = width * voxel[:, None]  # where each coarse voxel begins; those from `count` on are not used
    overlap = torch.minimum(edge + width, voxel + 1.0) - torch.maximum(edge, voxel.float())
    place = ((voxel[:, None] + 0.5) / width - 0.5).clamp(min=0).minimum(count - 1)
    back = (1 - (place - voxel).abs()).clamp(min=0)
    return back @ (overlap.clamp(min=0) / width)
