"""Joins models of one recipe, such as the folds of a cross-validation, into one that averages their answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vesalius import nets
from vesalius.errors import ModelFolderError
from vesalius.models.folder import ModelFolder, open_model, read_tensors
from vesalius.models.golden import GoldenCase, read_golden
from vesalius.models.graph import trace
from vesalius.models.network import wrapped
from vesalius.models.spec import ModelSpec, NetworkSpec
from vesalius.models.store import Converted, new_folder, store_network, store_spec
from vesalius.volume import Array

if TYPE_CHECKING:
    from torch import nn

_STEM = "network"
_OWN = {"weights", "graph", "golden", "sha256", "graph_sha256", "tolerance"}
_MEASURED = {"scores", "decision", "origin", "network"}


def join_models(folders: Sequence[str | Path], out: Path) -> ModelSpec:
    """Write the model folder ``out``, whose network is the ensemble of those of ``folders``.

    Scores and a classifier's decision are those of single models, and left out: measure them anew.

    Raises:
        ModelFolderError: fewer than two models, or they differ in more than their weights.
        OutputError: ``out`` exists already.
    """
    models = [open_model(folder) for folder in folders]
    if len(models) < 2:
        raise ModelFolderError("joining takes two models at least")
    first = models[0]
    for other in models[1:]:
        _check_alike(first, other)
    fields = _joined_fields(first.spec.network, len(models))
    tensors = {
        f"members.{number}.{name}": tensor
        for number, model in enumerate(models)
        for name, tensor in read_tensors(model.file(model.spec.network.weights)).items()
    }
    with new_folder(out) as folder:
        module = wrapped(_built(fields, tensors), first.spec.network)
        golden = _golden(module, first)
        converted = Converted(trace(module, golden.input.shape), tensors, golden, fields)
        network, _ = store_network(folder, _STEM, converted)
        spec = first.spec.model_copy(update={"network": network, "scores": (), "decision": None})
        store_spec(folder, spec)
    return spec


def _check_alike(first: ModelFolder, other: ModelFolder) -> None:
    for what, a, b in (
        ("description", first.spec.model_dump(exclude=_MEASURED), other.spec.model_dump(exclude=_MEASURED)),
        ("network", first.spec.network.model_dump(exclude=_OWN), other.spec.network.model_dump(exclude=_OWN)),
    ):
        differing = sorted(key for key in a if a[key] != b[key])
        if differing:
            raise ModelFolderError(
                f"{other.path} cannot be joined with {first.path}: their {what} differs in {', '.join(differing)}"
            )
    if first.spec.network.net is None:
        raise ModelFolderError(f"{first.path} holds a graph only; models can be joined whose network has a name")


def _joined_fields(network: NetworkSpec, members: int) -> dict[str, object]:
    kept = network.model_dump(include={"planar", "mirror", "grid", "intensity", "threshold"})
    arguments = {"net": network.net, "arguments": network.arguments, "members": members}
    return {**kept, "net": "ensemble", "arguments": arguments}


def _built(fields: dict[str, object], tensors: dict[str, Array]) -> nn.Module:
    import torch

    module = nets.build("ensemble", fields["arguments"])  # type: ignore[arg-type]
    module.load_state_dict({name: torch.from_numpy(tensor.copy()) for name, tensor in tensors.items()})
    return module


def _golden(module: nn.Module, first: ModelFolder) -> GoldenCase:
    """The first model's golden input, and what the ensemble gives for it."""
    import torch

    image = read_golden(first, first.spec.network).input
    with torch.inference_mode():
        return GoldenCase(image, module(torch.from_numpy(image)).numpy())
