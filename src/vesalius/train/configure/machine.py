"""What the machine offers a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import psutil

from vesalius.engine.backends.openvino import fast_precisions
from vesalius.extras import require

_SHARE = 0.7  # of the free memory; the rest is for the system, the kernels' caches and the validation


@dataclass(frozen=True)
class Machine:
    """``memory_bytes`` that a training may take; ``bf16``: whether it computes faster in bfloat16."""

    device: Literal["cpu", "cuda"]
    memory_bytes: int
    bf16: bool

    @property
    def width(self) -> int:
        """Channels of a segmentation network's finest level."""
        return 32 if self.device == "cuda" else 16

    @property
    def step_flops(self) -> float:
        """Arithmetic of a step, forward and backward, beyond which more steps teach more than larger ones.

        It takes two cores a second or two, a GPU a third of a second.
        """
        return 1e13 if self.device == "cuda" else 1.5e11

    @property
    def steps(self) -> int:
        """Of a segmentation, where nobody says how long it may take."""
        return 20_000 if self.device == "cuda" else 4000

    def __str__(self) -> str:
        return "a GPU" if self.device == "cuda" else "a CPU"


def this_machine(gigabytes: float | None = None) -> Machine:
    """The first GPU, or the processor where there is none, with ``gigabytes`` to train in or most of what is free."""
    torch = require("torch", "train")
    cuda = torch.cuda.is_available()
    free = torch.cuda.mem_get_info()[0] if cuda else psutil.virtual_memory().available
    memory = int(_SHARE * free if gigabytes is None else 1e9 * gigabytes)
    bf16 = torch.cuda.is_bf16_supported() if cuda else "bf16" in fast_precisions()
    return Machine("cuda" if cuda else "cpu", memory, bool(bf16))
