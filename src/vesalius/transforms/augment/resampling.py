"""Moves a batch along a map, there or back: one interpolation for what is turned or bent, none for what is flipped."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from vesalius.transforms.augment.interpolate import interpolate
from vesalius.transforms.augment.labels import labels_at
from vesalius.transforms.augment.record import selection
from vesalius.transforms.augment.warp import Warp

_CACHED = 2**18  # voxels


def moved(warp: Warp, image: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """The new patches (N, C, I, J, K) and (N, I, J, K), in memory of their own."""
    return _along(warp, image, labels, lambda part: part.places(image.device))


def moved_back(warp: Warp, image: Tensor) -> Tensor:
    """Patches (N, C, I, J, K) in the place of the new ones, back in the place of the old ones."""
    return _along(warp, image, None, lambda part: part.places_back(image.device))[0]


def _along(
    warp: Warp, image: Tensor, labels: Tensor | None, places: Callable[[Warp], Tensor]
) -> tuple[Tensor, Tensor | None]:
    new, new_labels = torch.empty_like(image), None if labels is None else torch.empty_like(labels)
    interpolated = warp.interpolates()
    for sample in (~interpolated).nonzero()[:, 0].tolist():
        axes = warp.flipped_axes(sample)
        new[sample] = image[sample].flip([axis + 1 for axis in axes])
        if labels is not None and new_labels is not None:
            new_labels[sample] = labels[sample].flip(axes)
    chosen, many = interpolated.nonzero()[:, 0], _at_once(image)
    for start in range(0, len(chosen), many):
        samples = chosen[start : start + many]
        there = selection(samples, image.device)
        part = None if labels is None else labels[there]
        new[there], part = _sampled(image[there], part, places(warp.of(samples)))
        if new_labels is not None and part is not None:
            new_labels[there] = part
    return new, new_labels


def _at_once(image: Tensor) -> int:
    """How many samples to interpolate together: on a CPU as many as its cache holds, which is twice as fast."""
    return max(1, _CACHED // image[0, 0].numel()) if image.device.type == "cpu" else len(image)


def _sampled(image: Tensor, labels: Tensor | None, places: Tensor) -> tuple[Tensor, Tensor | None]:
    """Both at ``places``: the image linearly, of the labels the one of the largest share."""
    if labels is None:
        return interpolate(image, places), None
    both = interpolate(torch.cat((image, labels[:, None].to(image.dtype)), 1), places)
    return both[:, :-1], labels_at(places, labels, both[:, -1])
