"""What a training step takes: memory and arithmetic derived without computing anything, seconds by trying it."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from vesalius import nets
from vesalius.nets.planar import Planar
from vesalius.train.configure.machine import Machine
from vesalius.train.losses import build_loss
from vesalius.train.recipe import Loss, Network

if TYPE_CHECKING:
    from weakref import WeakKeyDictionary

Task = Literal["segment", "classify"]

_KEPT_PER_PARAMETER = 5 * 4  # bytes: the weight, Adam's two moments, the moving average, the network that is validated
_KERNELS = 1.3  # buffers within the kernels: measured at 0.9 to 1.3 times the tensors on a CPU


@dataclass(frozen=True)
class Work:
    """What is trained: a network by a loss; ``task`` says whether its truth is labels or classes."""

    network: Network
    loss: Loss
    task: Task


@dataclass(frozen=True)
class StepCost:
    """``kept`` bytes that outlive a step and ``working`` bytes at its peak in float32; ``flops`` of its arithmetic.

    These are the operations of convolutions and matrix products, a multiplication and an addition being two.
    """

    kept: int
    working: int
    flops: int

    @property
    def bytes(self) -> int:
        """All of them."""
        return self.kept + self.working

    def times(self, count: int) -> StepCost:
        """Of a batch so many times as large."""
        return StepCost(self.kept, count * self.working, count * self.flops)


def step_cost(work: Work, shape: Sequence[int]) -> StepCost:
    """Of a step on images of ``shape`` (N, C, I, J, K), from a forward and a backward pass of tensors without data.

    The peak is that of the tensors alive at once: activations kept for the backward pass, gradients, and what the loss
    makes; to these come what the kernels need and what outlives the step (weights, optimiser, moving average).
    """
    with torch.device("meta"):
        module = _module(work.network)
    alive, arithmetic = _Alive(), FlopCounterMode(display=False)
    with arithmetic, alive:
        _pass(module, work, shape, torch.device("meta"))
    parameters = sum(parameter.numel() for parameter in module.parameters())
    return StepCost(_KEPT_PER_PARAMETER * parameters, int(_KERNELS * alive.peak), arithmetic.get_total_flops())


def step_seconds(work: Work, shape: Sequence[int], machine: Machine) -> float:
    """The faster of two steps on random numbers, on ``machine``, after one that is not counted."""
    device = torch.device(machine.device)
    module = _module(work.network).to(device)
    optimiser = torch.optim.AdamW(module.parameters(), 1e-4)

    def step() -> None:
        with torch.autocast(machine.device, torch.bfloat16, enabled=machine.bf16):
            _pass(module, work, shape, device)
        optimiser.step()
        optimiser.zero_grad()

    return min([_timed(step, device) for _ in range(3)][1:])


def _module(network: Network) -> nn.Module:
    module = nets.build(network.net, network.arguments).train()
    return Planar(module) if network.planar else module


def _pass(module: nn.Module, work: Work, shape: Sequence[int], device: torch.device) -> None:
    """Forward, loss and backward."""
    truth = (shape[0], *shape[2:]) if work.task == "segment" else (shape[0],)
    target = torch.zeros(truth, dtype=torch.uint8 if work.task == "segment" else torch.int64, device=device)
    build_loss(work.loss, (1.0, 1.0, 1.0))(module(torch.randn(tuple(shape), device=device)), target).backward()  # type: ignore[no-untyped-call]


def _timed(step: Callable[[], None], device: torch.device) -> float:
    start = time.perf_counter()
    step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


class _Alive(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of all storages that operations make, from when they are made until nothing holds them."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._known: WeakKeyDictionary[Any, bool] = weakref.WeakKeyDictionary()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, Tensor):
                self._count(leaf.untyped_storage())
        return out

    def _count(self, storage: torch.UntypedStorage) -> None:
        if storage in self._known:
            return
        self._known[storage] = True
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._freed, storage.nbytes())

    def _freed(self, count: int) -> None:
        self.now -= count
