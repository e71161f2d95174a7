"""Connected parts of a mask."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.transforms.labels import bounding_boxes
from vesalius.volume import IndexBox

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


def mask_box(mask: Mask, margin: int = 0) -> IndexBox | None:
    """The smallest box that holds the mask, grown by ``margin`` voxels inside the grid; None where it is empty."""
    box = bounding_boxes(mask.view(np.uint8)).get(1)
    if box is None:
        return None
    i0, j0, k0 = (max(0, n - margin) for n in box.start)
    i1, j1, k1 = (min(n + margin, length) for n, length in zip(box.stop, mask.shape, strict=True))
    return IndexBox((i0, j0, k0), (i1, j1, k1))


def _label(mask: Mask, fully: bool) -> NDArray[Any]:
    """Every connected part numbered from 1."""
    import SimpleITK as sitk

    axes = np.argsort([-abs(stride) for stride in mask.strides])
    image = sitk.GetImageFromArray(np.ascontiguousarray(mask.transpose(axes)).view(np.uint8))
    parts: NDArray[Any] = sitk.GetArrayFromImage(sitk.ConnectedComponent(image, fully))
    return parts.transpose(np.argsort(axes))
