"""The recipe's network, with weights taken over from another model where it says so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from vesalius import nets
from vesalius.errors import RecipeError
from vesalius.models.folder import SPEC_FILE, open_model, read_tensors
from vesalius.nets.planar import Planar
from vesalius.nets.transfer import adapt_tensors, parameter_groups
from vesalius.train.place import WEIGHTS
from vesalius.train.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor, nn


def make_network(recipe: Recipe, beside: Path) -> tuple[nn.Module, list[dict[str, Any]]]:
    """The network (5D in, see `vesalius.nets.planar`) in train mode, and its parameter groups for the optimiser.

    ``recipe.network.start`` is a path relative to ``beside``, the recipe's folder.

    Raises:
        RecipeError: there is no such start, or nothing in it fits the network.
        ModelFolderError: the network does not take its arguments, or the start is damaged.
    """
    spec = recipe.network
    module = nets.build(spec.net, spec.arguments).train()
    brought: set[str] = set()
    if spec.start is not None:
        tensors = adapt_tensors(_tensors(beside / spec.start), module)
        if not tensors:
            raise RecipeError(f"nothing in {spec.start} fits the network {spec.net!r}; is it of the same family?")
        module.load_state_dict(tensors, strict=False)
        brought = set(tensors)
    groups = parameter_groups(module, brought, spec.start_rate)
    return Planar(module) if spec.planar else module, groups


def _tensors(path: Path) -> dict[str, Tensor]:
    """Those of a safetensors file, or of the network in a model folder."""
    if (path / SPEC_FILE).is_file():
        file = path / open_model(path).spec.network.weights
    else:  # that of an autoencoder has weights alone
        file = path / WEIGHTS if path.is_dir() else path
    if not file.is_file():
        raise RecipeError(f"network.start: there is no file {file}; it is looked for beside the recipe")
    return {name: torch.from_numpy(array) for name, array in read_tensors(file).items()}
