"""What a network costs: its parameters, and the arithmetic of one run."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Cost:
    """``parameters``, and ``flops`` of one run: floating-point operations of convolutions and matrix products."""

    parameters: int
    flops: int


def cost(network: nn.Module, shape: Sequence[int]) -> Cost:
    """Of running ``network`` in eval mode on an input of ``shape``; a multiplication and an addition are two."""
    abstract = copy.deepcopy(network).to("meta").eval()  # shapes only: nothing is computed
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        abstract(torch.zeros(tuple(shape), device="meta"))
    return Cost(sum(parameter.numel() for parameter in network.parameters()), counter.get_total_flops())
