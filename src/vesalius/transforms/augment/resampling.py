"""Moves a batch along a map, there or back: one interpolation for what is turned or bent, none for what is flipped."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from vesalius.transforms.augment.interpolate import interpolate
from vesalius.transforms.augment.warp import Warp

_AT_ONCE = 8  # labels whose shares are in memory together


def moved(warp: Warp, image: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """The new patches (N, C, I, J, K) and (N, I, J, K), in memory of their own."""
    return _along(warp, image, labels, lambda part: part.places(image.device))


def moved_back(warp: Warp, image: Tensor) -> Tensor:
    """Patches (N, C, I, J, K) in the place of the new ones, back in the place of the old ones."""
    return _along(warp, image, None, lambda part: part.places_back(image.device))[0]


def _along(
    warp: Warp, image: Tensor, labels: Tensor | None, places: Callable[[Warp], Tensor]
) -> tuple[Tensor, Tensor | None]:
    interpolated = warp.interpolates()
    chosen, others = interpolated.nonzero()[:, 0], (~interpolated).nonzero()[:, 0]
    if not len(others):
        return _sampled(image, labels, places(warp.of(chosen)))
    image, labels = image.clone(), None if labels is None else labels.clone()
    for sample in others.tolist():
        _flip(warp.flipped_axes(sample), image[sample], None if labels is None else labels[sample])
    if len(chosen):
        there = chosen.to(image.device)
        part = None if labels is None else labels[there]
        image[there], part = _sampled(image[there], part, places(warp.of(chosen)))
        if labels is not None and part is not None:
            labels[there] = part
    return image, labels


def _flip(axes: list[int], image: Tensor, labels: Tensor | None) -> None:
    """Flip ``image`` (C, I, J, K) and ``labels`` (I, J, K) where they are."""
    if axes:
        image.copy_(image.flip([axis + 1 for axis in axes]))
        if labels is not None:
            labels.copy_(labels.flip(axes))


def _sampled(image: Tensor, labels: Tensor | None, places: Tensor) -> tuple[Tensor, Tensor | None]:
    """Both at ``places``: the image linearly; of labels each voxel gets the one of the largest share, linearly too.

    Nearest neighbours would leave steps at a label's border. The first labels are sampled together with the image,
    which needs little more time than the image alone.
    """
    if labels is None:
        return interpolate(image, places), None
    channels = image.shape[1]
    present = torch.bincount(labels.flatten()).nonzero()[:, 0].tolist()
    values = [value for value in present if value]
    both = interpolate(_with_shares(image, labels, values[:_AT_ONCE]), places)
    vote = _Vote(labels, both)
    vote.count(values[:_AT_ONCE], both[:, channels:])
    for start in range(_AT_ONCE, len(values), _AT_ONCE):
        group = values[start : start + _AT_ONCE]
        vote.count(group, interpolate(_with_shares(image[:, :0], labels, group), places))
    return both[:, :channels].contiguous(), vote.result()


def _with_shares(image: Tensor, labels: Tensor, values: list[int]) -> Tensor:
    """(N, C + len(values), I, J, K): the image, and 1 where each of ``values`` is, else 0."""
    channels = image.shape[1]
    out = image.new_empty((len(image), channels + len(values), *image.shape[2:]))
    out[:, :channels] = image
    for place, value in enumerate(values, channels):
        out[:, place] = labels == value
    return out


class _Vote:
    """Finds the label of the largest share in each voxel; the background has what the others leave."""

    def __init__(self, labels: Tensor, like: Tensor) -> None:
        self._winner, self._largest = torch.zeros_like(like[:, 0]), torch.zeros_like(like[:, 0])
        self._rest = torch.ones_like(like[:, 0])
        self._dtype = labels.dtype

    def count(self, values: list[int], shares: Tensor) -> None:
        for value, share in zip(values, shares.unbind(1), strict=True):
            self._put(value, share > self._largest)
            torch.maximum(self._largest, share, out=self._largest)
            self._rest -= share

    def result(self) -> Tensor:
        self._put(0, self._rest >= self._largest)
        return self._winner.to(self._dtype)

    def _put(self, value: int, won: Tensor) -> None:
        """As ``masked_fill_``, ten times as fast."""
        self._winner.lerp_(self._winner.new_tensor(value), won.to(self._winner.dtype))
