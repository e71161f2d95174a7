"""The boundary loss: how far from the true surface the wrong probability lies (Kervadec 2019)."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
import torch
from torch import Tensor

from vesalius.volume import Array

Spacing = tuple[float, float, float]


def boundary_loss(logits: Tensor, labels: Tensor, spacing: Spacing) -> Tensor:
    """Mean over labels and voxels of probability times signed distance in mm, negative inside the true label.

    logits (N, L, I, J, K), labels (N, I, J, K); the background does not count. A label that a patch lacks contributes
    nothing for that patch. Use it with an overlap loss, as its authors do.
    """
    maps = torch.from_numpy(_signed_distances(labels.cpu().numpy(), logits.shape[1], spacing)).to(logits.device)
    return (logits.softmax(1)[:, 1:] * maps).mean()


def _signed_distances(labels: Array, classes: int, spacing: Spacing) -> Array:
    """(N, L - 1, I, J, K) mm: to the outermost voxels of the label, which have 0; negative within it."""
    out = np.zeros((len(labels), classes - 1, *labels.shape[1:]), np.float32)
    for sample, maps in zip(labels, out, strict=True):
        for value, target in enumerate(maps, start=1):
            mask = sample == value
            if mask.any() and not mask.all():
                inside = sitk.GetImageFromArray(mask.astype(np.uint8))
                inside.SetSpacing(tuple(reversed(spacing)))
                distance = sitk.SignedMaurerDistanceMap(inside, squaredDistance=False, useImageSpacing=True)
                target[...] = sitk.GetArrayViewFromImage(distance)
    return out
