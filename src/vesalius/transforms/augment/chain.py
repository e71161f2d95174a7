"""Draws, applies and undoes a recipe's augmentations on a batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from vesalius.errors import RecipeError
from vesalius.transforms.augment.draws import touched
from vesalius.transforms.augment.intensity import changed, draw_change
from vesalius.transforms.augment.kinds import Affine, Augmentation, Crop, Elastic, Flip
from vesalius.transforms.augment.maps import draw_warp
from vesalius.transforms.augment.record import Record
from vesalius.transforms.augment.resampling import moved, moved_back
from vesalius.transforms.augment.warp import Size, Spacing


class Chain:
    """The augmentations of a recipe: first all spatial ones in one resampling, then the others in their order.

    Beyond the border of a patch its border goes on, in images and labels alike, so that no black corner gives a turned
    patch away. All work is done on the device of the image; a record is on the CPU.

    Raises:
        RecipeError: there are two elastic augmentations.
    """

    def __init__(self, augmentations: Sequence[Augmentation]) -> None:
        if sum(isinstance(kind, Elastic) for kind in augmentations) > 1:
            raise RecipeError("a recipe has one elastic augmentation at most; join the two in one of them")
        self._spatial = [kind for kind in augmentations if isinstance(kind, Flip | Affine | Elastic | Crop)]
        self._others = [kind for kind in augmentations if not isinstance(kind, Flip | Affine | Elastic | Crop)]

    def sample(self, count: int, size: Size, spacing: Spacing, generator: Generator) -> Record:
        """Draw all numbers, from ``generator`` alone, for ``count`` patches of ``size`` voxels of ``spacing`` mm."""
        warp = draw_warp(self._spatial, count, size, spacing, generator)
        changes = []
        for kind in self._others:
            samples = touched(kind, count, generator).nonzero()[:, 0]
            if len(samples):
                changes.append(draw_change(kind, samples, size, spacing, generator))
        return Record(warp, tuple(changes))

    def apply(self, record: Record, image: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Change images (N, C, I, J, K) float32 and labels (N, I, J, K) of integers from 0 as ``record`` says.

        The same record does the same to the bit, on the same device. The input is left as it is.

        Raises:
            ValueError: the record was drawn for a batch of another shape, or the labels have another than the image.
        """
        _check(record, image)
        if labels is not None and labels.shape != image[:, 0].shape:
            raise ValueError(f"the labels are {tuple(labels.shape)}, the image is {tuple(image.shape)}")
        with torch.autocast(image.device.type, enabled=False):  # places in bfloat16 would be off by voxels
            image, labels = moved(record.warp, image, labels)
            for change in record.changes:
                image = changed(image, change)
        return image, labels

    def invert(self, record: Record, prediction: Tensor) -> Tensor:
        """Scores (N, L, I, J, K) on changed patches, back where the patches came from: for test-time augmentation.

        Exact for flips, interpolated once for all else. What a patch had lost at its border is the border's.

        Raises:
            ValueError: the record was drawn for a batch of another shape.
        """
        _check(record, prediction)
        with torch.autocast(prediction.device.type, enabled=False):
            return moved_back(record.warp, prediction)


def _check(record: Record, batch: Tensor) -> None:
    count, size = len(record.warp.matrix), record.warp.size
    if batch.dim() != 5 or len(batch) != count or tuple(batch.shape[2:]) != size:
        wanted = ", ".join(str(n) for n in size)
        raise ValueError(f"the record is for a batch ({count}, C, {wanted}), not {tuple(batch.shape)}")
