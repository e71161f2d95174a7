"""Connected parts of a mask."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def largest_component(mask: Mask) -> Mask:
    """The largest 26-connected part of ``mask`` (I, J, K); all False where nothing is True."""
    parts = _label(mask, fully=True)
    sizes = np.bincount(parts.ravel(order="K"))
    sizes[0] = 0
    largest: Mask = parts == sizes.argmax() if sizes.any() else np.zeros_like(mask)
    return largest


def filled(mask: Mask) -> Mask:
    """``mask`` with its holes filled: background that no 6-connected path leads out of."""
    padded = np.pad(mask, 1)
    outside = _label(~padded, fully=False)
    whole: Mask = outside[1:-1, 1:-1, 1:-1] != outside[0, 0, 0]
    return whole


def _label(mask: Mask, fully: bool) -> NDArray[Any]:
    """Every connected part numbered from 1."""
    import SimpleITK as sitk

    axes = np.argsort([-abs(stride) for stride in mask.strides])
    image = sitk.GetImageFromArray(np.ascontiguousarray(mask.transpose(axes)).view(np.uint8))
    parts: NDArray[Any] = sitk.GetArrayFromImage(sitk.ConnectedComponent(image, fully))
    return parts.transpose(np.argsort(axes))
