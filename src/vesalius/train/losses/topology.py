"""The clDice loss: whether the centrelines of vessels are whole (Shit 2021)."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 -- as everywhere in the field
from torch import Tensor

_THINNINGS = 8


def centreline_dice_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """1 minus clDice of everything that is not background: the share of each skeleton that lies in the other mask.

    The skeletons are soft: what opening takes away, at each of eight erosions (radius of the thickest vessel, voxels).
    """
    likely = 1 - logits.softmax(1)[:, :1]
    truth = (labels[:, None] > 0).to(likely.dtype)
    found, real = _skeleton(likely), _skeleton(truth)
    precision = ((found * truth).sum() + 1) / (found.sum() + 1)
    recall = ((real * likely).sum() + 1) / (real.sum() + 1)
    return 1 - 2 * precision * recall / (precision + recall)


def _skeleton(mask: Tensor) -> Tensor:
    """(N, 1, I, J, K) → of the same shape; a picture (K = 1) is thinned within its plane."""
    skeleton = F.relu(mask - _opened(mask))
    for _ in range(_THINNINGS):
        mask = _eroded(mask)
        edge = F.relu(mask - _opened(mask))
        skeleton = skeleton + F.relu(edge - skeleton * edge)
    return skeleton


def _opened(mask: Tensor) -> Tensor:
    eroded = _eroded(mask)
    return F.max_pool3d(eroded, _around(eroded), 1, [k // 2 for k in _around(eroded)])


def _eroded(mask: Tensor) -> Tensor:
    """The smallest value among the neighbours that share a face."""
    out = mask
    for axis in range(3):
        kernel = [3 if other == axis and mask.shape[2 + axis] > 1 else 1 for other in range(3)]
        out = torch.minimum(out, -F.max_pool3d(-mask, kernel, 1, [k // 2 for k in kernel]))
    return out


def _around(mask: Tensor) -> list[int]:
    return [3 if n > 1 else 1 for n in mask.shape[2:]]
