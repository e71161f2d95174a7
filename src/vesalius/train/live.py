"""A network in training, run exactly as the finished model will be: by the same tasks, on whole scans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from vesalius.engine.backend import BackendInfo, FloatTensor, Output
from vesalius.models.spec import ModelSpec, NetworkSpec

if TYPE_CHECKING:
    from torch import nn


class LiveBackend:
    """A `vesalius.engine.backend.Backend` around a network in training."""

    decides = False

    def __init__(self, network: nn.Module, classes: int, device: torch.device, reduced: bool) -> None:
        self.info = BackendInfo("torch", "bf16" if reduced else "f32", device.type)
        self.classes = classes
        self._network, self._device, self._reduced = network, device, reduced

    def run(self, batch: FloatTensor) -> FloatTensor:
        """See `vesalius.engine.backend.Backend.run`."""
        with torch.inference_mode(), torch.autocast(self._device.type, torch.bfloat16, enabled=self._reduced):
            output = self._network(torch.from_numpy(batch).to(self._device))
        scores: FloatTensor = output.float().cpu().numpy()
        return scores

    def memory_bytes(self) -> int:
        """Nothing beyond what training takes."""
        return 0


class LiveSession:
    """A session whose only network is the one in training."""

    def __init__(self, spec: ModelSpec, backend: LiveBackend) -> None:
        self.spec, self._backend = spec, backend

    def backend(self, _network: NetworkSpec, _output: Output = "labels", /) -> LiveBackend:
        """The one there is, which gives scores."""
        return self._backend
