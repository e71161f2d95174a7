"""The finished network as a model folder, with its scores measured on the validation cases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from vesalius.aside import aside_folder
from vesalius.models.golden import GoldenCase
from vesalius.models.graph import trace
from vesalius.models.network import wrapped
from vesalius.models.spec import Decision, MeasuredScore, ModelSpec, NetworkSpec, Origin
from vesalius.models.store import Converted, store_network, store_spec
from vesalius.nets import OF_ONE_SIZE, unique_tensors
from vesalius.nets.planar import Planar
from vesalius.train.place import WEIGHTS
from vesalius.train.recipe import Recipe

if TYPE_CHECKING:
    from torch import nn

    from vesalius.train.batches import Batch

_STEM = WEIGHTS.removesuffix(".safetensors")
_UNKNOWN = "0" * 64
_GOLDEN_VOXELS = 2**17
_STRIDE = 32  # no network here gets coarser by more, so that it takes a patch of a multiple of these


def model_spec(recipe: Recipe, network: NetworkSpec | None = None, **measured: Any) -> ModelSpec:
    """The description of the recipe's model; before it is stored, with empty places for its files."""
    return ModelSpec(
        name=recipe.name,
        version=recipe.version,
        task="classify" if recipe.task == "classify" else "segment",
        summary=recipe.summary,
        uses=recipe.uses,
        limits=recipe.limits,
        modality=recipe.modality,
        channels=recipe.channels,
        orientation=recipe.orientation,
        network=network or _network_spec(recipe),
        labels=recipe.labels,
        post=recipe.post,
        plausibility=recipe.plausibility,
        origin=Origin(
            source="trained by Vesalius",
            data=recipe.origin.data,
            citation=recipe.origin.citation,
            licence=recipe.origin.licence,
            split=measured.pop("split", ""),
            seed=recipe.seed,
        ),
        **measured,
    )


def shipped(network: nn.Module, recipe: Recipe) -> nn.Module:
    """The network of a training with what the finished model does around it: flips averaged."""
    bare = network.network if isinstance(network, Planar) else network
    return network if recipe.task == "reconstruct" else wrapped(bare, _network_spec(recipe))


def export(
    network: nn.Module,
    recipe: Recipe,
    golden: Batch,
    out: Path,
    split: str,
    scores: tuple[MeasuredScore, ...],
    decision: Decision | None,
) -> None:
    """Write the model folder ``out``, or with the task reconstruct only its weights.

    The golden case is a prepared patch of ``golden`` and what torch gives for it in float32.
    """
    bare = network.network if isinstance(network, Planar) else network
    tensors = {name: tensor.cpu().numpy() for name, tensor in unique_tensors(bare).items()}
    with aside_folder(out) as folder:
        if recipe.task == "reconstruct":
            from vesalius.models.graph import write_tensors

            write_tensors(tensors, folder / WEIGHTS)
            return
        described = _network_spec(recipe)
        fields = described.model_dump(include={"net", "arguments", "planar", "mirror", "grid", "intensity"})
        module = wrapped(bare, described)
        case = _golden(module, golden, whole=recipe.network.net in OF_ONE_SIZE)
        converted = Converted(trace(module, case.input.shape), tensors, case, fields)
        spec, _ = store_network(folder, _STEM, converted)
        store_spec(folder, model_spec(recipe, spec, split=split, scores=scores, decision=decision))


def _network_spec(recipe: Recipe) -> NetworkSpec:
    return NetworkSpec(
        net=recipe.network.net,
        arguments=recipe.network.arguments,
        planar=recipe.network.planar,
        mirror=recipe.mirror,
        weights=f"{_STEM}.safetensors",
        graph=f"{_STEM}.onnx",
        golden=f"{_STEM}.safetensors",
        sha256=_UNKNOWN,
        graph_sha256=_UNKNOWN,
        grid=recipe.data.grid,
        intensity=recipe.data.intensity,
    )


def _golden(module: nn.Module, batch: Batch, whole: bool) -> GoldenCase:
    """One real patch in half precision; the middle of it, where it is large and the network takes any size."""
    image = batch.images[:1].cpu()
    dense = batch.target is not None and batch.target.ndim > 1
    while dense and not whole and image[0, 0].numel() > _GOLDEN_VOXELS and max(image.shape[2:]) >= 2 * _STRIDE:
        axis = int(np.argmax(image.shape[2:])) + 2
        kept = image.shape[axis] // 2 // _STRIDE * _STRIDE
        image = image.narrow(axis, (image.shape[axis] - kept) // 2, kept)
    image = image.half().float().contiguous()
    with torch.inference_mode():
        output = module(image)
    return GoldenCase(image.numpy(), output.numpy())
