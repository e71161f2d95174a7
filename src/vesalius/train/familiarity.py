"""Gives a finished model the autoencoder by which it knows scans unlike those that it learned from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from vesalius import nets
from vesalius.aside import aside_folder
from vesalius.engine.backend import FloatTensor
from vesalius.engine.plan import network_grid, tile_shape
from vesalius.engine.progress import Progress
from vesalius.engine.region import Region, see
from vesalius.engine.tiles import Tiling
from vesalius.errors import DatasetError, RecipeError
from vesalius.models.folder import open_model
from vesalius.models.golden import GoldenCase
from vesalius.models.graph import trace
from vesalius.models.network import wrapped
from vesalius.models.spec import FamiliaritySpec, ModelSpec, NetworkSpec
from vesalius.models.store import Converted, store_network, store_spec
from vesalius.tasks.reconstruct import reconstruction_error
from vesalius.train.data import Case
from vesalius.train.export import model_spec
from vesalius.train.live import LiveBackend, LiveSession
from vesalius.train.recipe import Recipe
from vesalius.volume import Volume

if TYPE_CHECKING:
    from torch import nn

_STEM = "familiarity"
_FIELDS = {"net", "arguments", "planar", "mirror", "grid", "intensity"}
_LIMIT = 0.99


def attach_familiarity(model: Path, weights: Path, recipe: Recipe, cases: Sequence[Case]) -> None:
    """Add the autoencoder to the model folder ``model`` and measure its usual error.

    Args:
        model: the folder, which is changed; a familiarity network that it has is replaced.
        weights: the autoencoder's, a safetensors file.
        recipe: by which it was made, of the task reconstruct.
        cases: held out from the training of both.

    Raises:
        RecipeError: the autoencoder does not see scans as the model does.
        DatasetError: there are no cases.
        ModelFolderError: the weights do not fit the recipe's network.
    """
    spec, described = open_model(model).spec, model_spec(recipe).network
    _check(spec, recipe)
    if not cases:
        raise DatasetError("a familiarity network needs cases held out of training, to know its usual error")
    bare = nets.load(recipe.network.net, recipe.network.arguments, weights)
    converted = _converted(bare, described, cases[0].volume().reoriented(spec.orientation))
    backend = LiveBackend(wrapped(bare, described), len(spec.channels), torch.device("cpu"), reduced=False)
    session = LiveSession(spec, backend)
    errors = [reconstruction_error(session, described, case.volume(), Progress()) for case in cases]
    with aside_folder(model) as folder:
        network, _ = store_network(folder, _STEM, converted)
        usual, limit = (float(f"{value:.4g}") for value in np.quantile(errors, (0.5, _LIMIT)))
        familiarity = FamiliaritySpec(network=network, usual=usual, limit=limit, cases=len(errors))
        store_spec(folder, spec.model_copy(update={"familiarity": familiarity}))


def _check(spec: ModelSpec, recipe: Recipe) -> None:
    """Both must take the same scans in the same way."""
    for what in ("channels", "orientation"):
        own, theirs = getattr(recipe, what), getattr(spec, what)
        if own != theirs:
            raise RecipeError(f"{what}: the autoencoder's are {own}, those of the model {spec.name!r} are {theirs}")
    if recipe.task != "reconstruct":
        raise RecipeError(f"task: a familiarity network is made by the task reconstruct, not {recipe.task}")
    if recipe.data.grid.kind == "sliding" and recipe.data.grid.skip_at_most is not None:
        raise RecipeError("data.grid.skip_at_most: a familiarity network sees all of a scan; leave it out")


def _converted(bare: nn.Module, described: NetworkSpec, volume: Volume) -> Converted:
    """Ready to be stored, with the first tile of ``volume`` as its golden case."""
    module, image = wrapped(bare, described), _tile(described, volume)
    with torch.inference_mode():
        golden = GoldenCase(image, module(torch.from_numpy(image)).numpy())
    tensors = {name: tensor.numpy() for name, tensor in nets.unique_tensors(bare).items()}
    return Converted(trace(module, image.shape), tensors, golden, described.model_dump(include=_FIELDS))


def _tile(network: NetworkSpec, volume: Volume) -> FloatTensor:
    """(1, C, I, J, K), exact in half precision."""
    grid, patch = network_grid(network.grid, volume.geometry), tile_shape(network.grid)
    seen = see(network, Region.whole(volume), grid)
    i, j, k = (starts[0] for starts in Tiling.cover(grid.shape, patch, 0.0).starts)
    tensor = seen.tensor(seen.cut((i, j, k), patch), (i, j, k), patch)
    return tensor.astype(np.float16).astype(np.float32)
