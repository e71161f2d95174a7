"""Transfer learning: which weights of one network another can take over, and how fast they may change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn


def adapt_tensors(tensors: Mapping[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """Those of ``tensors`` that fit ``network`` by name and shape; of a bare encoder, those that fit its ``encoder``.

    A first convolution for another number of channels is adapted: from three to one by the sum over the channels, else
    by repeating them in turn, scaled so that the response to equal channels stays the same.
    """
    inside = {f"encoder.{key}": tensor for key, tensor in tensors.items()}
    return max((_fitting(given, network.state_dict()) for given in (tensors, inside)), key=len)


def parameter_groups(network: nn.Module, brought: set[str], share: float) -> list[dict[str, Any]]:
    """The optimiser's groups: new parameters at the full learning rate, brought ones slower the nearer the input.

    The last brought layer learns at ``share`` of the rate, the first at ``share`` squared, those between them
    geometrically (Howard 2018, "discriminative fine-tuning").
    """
    named = list(network.named_parameters())
    old = [(name, parameter) for name, parameter in named if name in brought]
    new = [parameter for name, parameter in named if name not in brought]
    groups: list[dict[str, Any]] = [{"params": new, "share": 1.0, "brought": False}] if new else []
    for place, (_, parameter) in enumerate(old, start=1):
        groups.append({"params": [parameter], "share": share ** (2 - place / len(old)), "brought": True})
    return groups


def _fitting(tensors: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    first = next((key for key, own in state.items() if own.ndim >= 4), None)
    fitting = {}
    for key in state.keys() & tensors.keys():
        given, own = tensors[key], state[key]
        if given.shape == own.shape:
            fitting[key] = given.to(own.dtype)
        elif key == first and _differs_in_inputs(given, own):
            fitting[key] = _for_channels(given, own.shape[1]).to(own.dtype)
    return fitting


def _differs_in_inputs(given: Tensor, own: Tensor) -> bool:
    return given.ndim == own.ndim and given.shape[0] == own.shape[0] and given.shape[2:] == own.shape[2:]


def _for_channels(weights: Tensor, channels: int) -> Tensor:
    """(O, C, …) → (O, channels, …)."""
    given = weights.shape[1]
    if channels == 1:
        return weights.sum(1, keepdim=True)
    return weights[:, [channel % given for channel in range(channels)]] * (given / channels)
