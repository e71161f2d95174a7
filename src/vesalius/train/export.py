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
from vesalius.nets import unique_tensors
from vesalius.nets.planar import Planar
from vesalius.train.recipe import Recipe

if TYPE_CHECKING:
    from torch import nn

    from vesalius.train.batches import Batch

_STEM = "network"
_UNKNOWN = "0" * 64
_GOLDEN_CHANNEL_VOXELS = 2**17


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

            write_tensors(tensors, folder / f"{_STEM}.safetensors")
            return
        fields = _network_spec(recipe).model_dump(
            include={"net", "arguments", "planar", "mirror", "grid", "intensity"}
        )
        module = wrapped(bare, _network_spec(recipe)).cpu()
        case = _golden(module, golden)
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


def _golden(module: nn.Module, batch: Batch) -> GoldenCase:
    """One real patch, cut to its middle where it is large, in half precision."""
    image = batch.images[:1].cpu()
    while image.ndim == 5 and image.numel() > _GOLDEN_CHANNEL_VOXELS and batch.target is not None and batch.target.ndim > 1:
        axis = int(np.argmax(image.shape[2:])) + 2
        image = image.narrow(axis, image.shape[axis] // 4, image.shape[axis] // 2)
    image = image.half().float().contiguous()
    with torch.inference_mode():
        output = module(image)
    return GoldenCase(image.numpy(), output.numpy())
