"""A network of a model folder as a torch module."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vesalius import nets
from vesalius.errors import ModelFolderError
from vesalius.models.spec import NetworkSpec

if TYPE_CHECKING:
    from torch import nn


def load_network(spec: NetworkSpec, weights: Path) -> nn.Module:
    """The network that ``spec`` describes, with its weights, in eval mode: (N, C, I, J, K) in.

    Raises:
        ModelFolderError: it is there as a graph only, or the weights do not fit.
        MissingExtraError: torch, or the library that has the network, is not installed.
    """
    if spec.net is None:
        raise ModelFolderError(f"{weights.name} comes without a network to put it into; only its graph can be run")
    return wrapped(nets.load(spec.net, spec.arguments, weights), spec)


def wrapped(network: nn.Module, spec: NetworkSpec) -> nn.Module:
    """``network`` with what ``spec`` says is done around it: slice by slice, flips averaged."""
    from vesalius.nets.mirrored import Mirrored
    from vesalius.nets.planar import Planar

    whole = Planar(network) if spec.planar else network
    return (Mirrored(whole, spec.mirror) if spec.mirror else whole).eval()
