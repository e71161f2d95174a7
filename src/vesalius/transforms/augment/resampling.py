"""Moves a batch along a map, there or back: one interpolation for what is turned or bent, none for what is flipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator

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
    for samples, interpolated in _pieces(warp, image):
        here = selection(samples, image.device)
        old, part = image[here], None if labels is None else labels[here]
        own = warp.of(samples)
        new[here], part = _sampled(old, part, places(own)) if interpolated else _flipped(old, part, own.flipped_axes())
        if new_labels is not None and part is not None:
            new_labels[here] = part
    return new, new_labels


def _pieces(warp: Warp, image: Tensor) -> Iterator[tuple[Tensor, bool]]:
    """Samples to move together, and whether they need interpolation.

    On a CPU as many are interpolated together as its cache holds, which is faster than all at once.
    """
    interpolated = warp.interpolates()
    chosen = interpolated.nonzero()[:, 0]
    many = max(1, _CACHED // image[0, 0].numel()) if image.device.type == "cpu" else len(image)
    for start in range(0, len(chosen), many):
        yield chosen[start : start + many], True
    for sample in (~interpolated).nonzero():
        yield sample, False


def _flipped(image: Tensor, labels: Tensor | None, axes: list[int]) -> tuple[Tensor, Tensor | None]:
    flipped = image.flip([axis + 2 for axis in axes])
    return flipped, None if labels is None else labels.flip([axis + 1 for axis in axes])


def _sampled(image: Tensor, labels: Tensor | None, places: Tensor) -> tuple[Tensor, Tensor | None]:
    """Both at ``places``: the image linearly, of the labels the one of the largest share."""
    if labels is None:
        return interpolate(image, places), None
    both = interpolate(torch.cat((image, labels[:, None].to(image.dtype)), 1), places)
    return both[:, :-1], labels_at(places, labels, both[:, -1])
