"""Labels at places between voxels: each place gets the label of the largest linear share.

Nearest neighbours would leave steps at a label's border. Shares label by label would take time for each label; here it
is the same for any number of them, because between eight voxels there are seldom more than two.
"""

from __future__ import annotations

import itertools
from functools import reduce

import torch
from torch import Tensor


def labels_at(places: Tensor, labels: Tensor, values: Tensor) -> Tensor:
    """The labels (N, I, J, K) at ``places`` (N, 3, I, J, K), in voxels; of equal shares the lower of two labels has it.

    ``values`` (N, I, J, K) are the labels interpolated as numbers. Where the eight voxels around a place have two
    labels, those tell which of the two has more; where they have more than two, shares are counted.
    """
    size = labels.shape[1:]
    flat, steps = labels.flatten(), _steps(size)
    length = len(flat) - steps[-1]
    corners = [flat[step : step + length] for step in steps]
    low, high = reduce(torch.minimum, corners), reduce(torch.maximum, corners)
    cell, shares = _cells(places, size)
    middle = (low.float() + high).mul_(0.5)
    above = values.flatten() > middle.index_select(0, cell)
    found = torch.where(above, high.index_select(0, cell), low.index_select(0, cell))
    several = reduce(torch.logical_or, [(corner != low) & (corner != high) for corner in corners])
    if several.any():
        crowded = several.index_select(0, cell).nonzero()[:, 0]
        around = flat[cell[crowded] + torch.tensor(steps, device=cell.device)[:, None]]
        found[crowded] = _largest(around, [share[crowded] for share in shares])
    return found.reshape(labels.shape)


def _steps(size: torch.Size) -> list[int]:
    """From the first voxel of a cell to each of its voxels, in the flattened labels; the last is the farthest."""
    strides = (size[1] * size[2], size[2], 1)
    each = [(0, stride) if n > 1 else (0,) for n, stride in zip(size, strides, strict=True)]
    return [sum(steps) for steps in itertools.product(*each)]


def _cells(places: Tensor, size: torch.Size) -> tuple[Tensor, list[Tensor]]:
    """The first voxel, flattened, of the cell that each place lies in; and along the axes of a cell, how far in it."""
    first = torch.arange(len(places), dtype=torch.int32, device=places.device).reshape(-1, 1, 1, 1)
    shares = []
    for n, place in zip(size, places.unbind(1), strict=True):
        inside = place.clamp(0, n - 1)
        before = inside.floor().clamp_(max=max(n - 2, 0))
        first = before.int().add_(first, alpha=n)
        if n > 1:
            shares.append(inside.sub_(before).flatten())
    return first.flatten(), shares


def _largest(labels: Tensor, shares: list[Tensor]) -> Tensor:
    """Of the labels (8, M) around each place the one whose voxels weigh most."""
    weights = torch.ones_like(shares[0])[None]
    for share in shares:
        weights = torch.stack((weights * (1 - share), weights * share), 1).flatten(0, 1)
    votes = torch.stack([(weights * (labels == label)).sum(0) for label in labels])
    return labels.gather(0, votes.argmax(0, keepdim=True))[0]
