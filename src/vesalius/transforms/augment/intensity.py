"""What the augmentations of intensity do to the samples (M, C, I, J, K) that they touch."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Generator, Tensor

from vesalius.transforms.augment.axes import MEAN_SQUARE, along, bspline, coarser, gaussian
from vesalius.transforms.augment.draws import log_even
from vesalius.transforms.augment.kinds import (
    Augmentation,
    BiasField,
    Blur,
    Brightness,
    Contrast,
    Gamma,
    LowResolution,
    Noise,
)
from vesalius.transforms.augment.record import Change, selection
from vesalius.transforms.augment.warp import Size, Spacing

Numbers = Mapping[str, Tensor]


def draw_change(kind: Augmentation, samples: Tensor, size: Size, spacing: Spacing, generator: Generator) -> Change:
    """The numbers of ``kind`` for ``samples``; the channels of a sample share them."""
    return Change(kind.kind, samples, _numbers(kind, len(samples), size, spacing, generator))


def changed(image: Tensor, change: Change) -> Tensor:
    """``image`` (N, C, I, J, K) with the touched samples changed, in its own memory or in new."""
    function = _CHANGES[change.kind]
    numbers = {name: value.to(image.device) for name, value in change.numbers.items()}
    if len(change.samples) == len(image):
        return function(image, numbers)
    touched = selection(change.samples, image.device)
    image[touched] = function(image[touched], numbers)
    return image


def _numbers(kind: Augmentation, count: int, size: Size, spacing: Spacing, generator: Generator) -> Numbers:
    match kind:
        case Gamma():
            return {"power": log_even(kind.power, count, generator)}
        case Contrast():
            return {"factor": log_even(kind.factor, count, generator)}
        case Brightness():
            return {"offset": kind.deviation * torch.randn(count, generator=generator)}
        case BiasField():
            points = [kind.points if n > 1 else 1 for n in size]
            deviation = kind.deviation / math.pow(MEAN_SQUARE, sum(n > 1 for n in size) / 2)
            return {"lattice": deviation * torch.randn(count, 1, *points, generator=generator)}
        case Noise():
            # the noise itself is drawn where the image is; its seed is drawn here
            seed = torch.randint(2**62, (1,), generator=generator)
            return {"deviation": kind.deviation * torch.rand(count, generator=generator), "seed": seed}
        case Blur():
            return {"sigma": log_even(kind.sigma_mm, count, generator)[:, None] / torch.tensor(spacing)}
        case LowResolution():
            return {"factor": torch.stack([log_even(kind.factor, count, generator) for _ in range(3)], 1)}
        case _:
            raise TypeError(f"{type(kind).__name__} is no augmentation of intensity")


def _gamma(image: Tensor, numbers: Numbers) -> Tensor:
    low = image.amin((2, 3, 4), keepdim=True)
    span = (image.amax((2, 3, 4), keepdim=True) - low).clamp(min=1e-6)
    bent = (image - low).div_(span).pow_(_column(numbers["power"]))
    mean, deviation = _moments(image)
    new_mean, new_deviation = _moments(bent)
    factor = deviation / new_deviation
    return torch.addcmul(mean - new_mean * factor, bent, factor)


def _contrast(image: Tensor, numbers: Numbers) -> Tensor:
    return torch.lerp(image.mean((2, 3, 4), keepdim=True), image, _column(numbers["factor"]))


def _brightness(image: Tensor, numbers: Numbers) -> Tensor:
    return image + _column(numbers["offset"]) * _moments(image)[1]


def _bias_field(image: Tensor, numbers: Numbers) -> Tensor:
    low = image.amin((2, 3, 4), keepdim=True)
    lattice = numbers["lattice"]
    splines = [bspline(n, points, image.device) for n, points in zip(image.shape[2:], lattice.shape[2:], strict=True)]
    return torch.addcmul(low, image - low, along(lattice, splines).exp_())


def _noise(image: Tensor, numbers: Numbers) -> Tensor:
    generator = Generator(image.device).manual_seed(int(numbers["seed"]))
    drawn = torch.randn(image.shape, generator=generator, device=image.device)
    return torch.addcmul(image, drawn, _column(numbers["deviation"]) * _moments(image)[1])


def _blur(image: Tensor, numbers: Numbers) -> Tensor:
    return along(image, [gaussian(n, sigma) for n, sigma in zip(image.shape[2:], numbers["sigma"].T, strict=True)])


def _low_resolution(image: Tensor, numbers: Numbers) -> Tensor:
    return along(image, [coarser(n, factor) for n, factor in zip(image.shape[2:], numbers["factor"].T, strict=True)])


_CHANGES = {
    "gamma": _gamma,
    "contrast": _contrast,
    "brightness": _brightness,
    "bias-field": _bias_field,
    "noise": _noise,
    "blur": _blur,
    "low-resolution": _low_resolution,
}


def _moments(image: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each sample's channel, (M, C, 1, 1, 1); several times as fast as ``torch.var_mean``."""
    mean = image.mean((2, 3, 4), keepdim=True)
    norm = torch.linalg.vector_norm(image - mean, dim=(2, 3, 4), keepdim=True)
    return mean, (norm / image[0, 0].numel() ** 0.5).clamp(min=1e-6)


def _column(numbers: Tensor) -> Tensor:
    return numbers[:, None, None, None, None]
