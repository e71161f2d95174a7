"""Transfer learning: which weights of one network another can take over, and how fast they may change.

Yosinski et al., "How transferable are features in deep neural networks?", NeurIPS 2014. The first ``freeze_steps`` of a
recipe train only what was not taken over (`vesalius.train.optimise`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn


def adapt_tensors(tensors: Mapping[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """Those of ``tensors`` that fit ``network`` by name and shape; of a bare encoder, those that fit its ``encoder``.

    What does not fit, such as a head for other classes, is left out. A first convolution for another number of
    channels is adapted: each gets the same share, so that the response to equal channels stays what it was.
    """
    inside = {f"encoder.{key}": tensor for key, tensor in tensors.items()}
    return max((_fitting(given, network.state_dict()) for given in (tensors, inside)), key=len)


def parameter_groups(network: nn.Module, brought: set[str], share: float) -> list[dict[str, Any]]:
    """The optimiser's groups: new parameters at the full learning rate, brought ones slower the nearer the input.

    The last brought layer learns at ``share`` of the rate, the first at ``share`` squared, those between them
    geometrically (Howard and Ruder, "Universal language model fine-tuning for text classification", 2018).
    """
    new: list[nn.Parameter] = []
    old: dict[str, list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        (old.setdefault(name.rpartition(".")[0], []) if name in brought else new).append(parameter)
    groups: list[dict[str, Any]] = [{"params": new, "share": 1.0, "brought": False}] if new else []
    for after, layer in enumerate(reversed(old.values())):
        groups.append({"params": layer, "share": share ** (1 + after / max(1, len(old) - 1)), "brought": True})
    return groups


def _fitting(tensors: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    first = next((key for key, own in state.items() if own.ndim >= 4), None)
    fitting = {}
    for key, own in state.items():
        given = tensors.get(key)
        if given is None:
            continue
        if key == first and _differs_in_inputs(given, own):
            given = given.sum(1, keepdim=True).expand_as(own) / own.shape[1]
        if given.shape == own.shape:
            fitting[key] = given.to(own.dtype)
    return fitting


def _differs_in_inputs(given: Tensor, own: Tensor) -> bool:
    """Whether (O, C, …) has another C, and nothing else."""
    return given.shape[1:2] != own.shape[1:2] and given.shape[:1] + given.shape[2:] == own.shape[:1] + own.shape[2:]
