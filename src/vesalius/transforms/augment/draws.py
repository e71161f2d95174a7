"""Random numbers for a batch, from a generator on the CPU, so that a seed means the same on every machine."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from vesalius.transforms.augment.kinds import Augmentation


def touched(kind: Augmentation, count: int, generator: Generator) -> Tensor:
    """(N,): which samples the augmentation touches."""
    return torch.rand(count, generator=generator) < kind.probability


def signed(count: int, numbers: int, generator: Generator) -> Tensor:
    """(N, numbers) evenly between -1 and 1."""
    return torch.rand(count, numbers, generator=generator) * 2 - 1


def log_even(bounds: tuple[float, float], count: int, generator: Generator) -> Tensor:
    """(N,) evenly in the logarithm."""
    low, high = (math.log(bound) for bound in bounds)
    return torch.exp(low + (high - low) * torch.rand(count, generator=generator))
