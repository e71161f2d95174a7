"""nnU-Net v2 results folders: dataset.json, plans.json, fold_X/checkpoint_final.pth.

No code of the folder and none of nnU-Net runs; the network is built from the plan by the same authors' package
dynamic-network-architectures, and the checkpoint is read as tensors and plain data.

**Axes.** nnU-Net reads an image as (z, y, x), that is (K, J, I), and permutes these by the plan's `transpose_forward`:
network axis ``a`` is image axis ``2 - transpose_forward[a]``. Here the axes of the network itself are put into the
order I, J, K instead: kernels, strides, patch and spacing are permuted once, and the same sums come out of the image as
it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vesalius import nets
from vesalius.errors import ModelFolderError
from vesalius.extras import require
from vesalius.models.golden import FloatTensor
from vesalius.models.graph import trace
from vesalius.models.importers.checkpoint import load_checkpoint, load_into, read_json
from vesalius.models.importers.nnunet_plan import Plan, read_plan
from vesalius.models.importers.unknown import ImportSummary, labels_from, probe
from vesalius.models.spec import ModelSpec, NetworkSpec, Origin, SlidingGrid
from vesalius.models.store import Converted, new_folder, store_network, store_spec

_CHECKPOINT = "checkpoint_final.pth"


def import_nnunet(path: Path, out: Path, name: str) -> ImportSummary:
    """Make the model folder ``out`` of a results folder; see `vesalius.models.importers.import_model`.

    One fold is taken: fold 0, or the first there is; the ensemble of all would take as many times as long to run.
    """
    fold = _fold(path)
    checkpoint = load_checkpoint(path / fold / _CHECKPOINT)
    plan = read_plan(read_json(path / "plans.json"), read_json(path / "dataset.json"), _configuration(checkpoint, path))
    network = _convert(plan, _weights(checkpoint, path), path / fold / _CHECKPOINT)
    with new_folder(out) as folder:
        stored, difference = store_network(folder, "network", network)
        store_spec(folder, _describe(name, plan, stored, path, fold))
    ran = (f"the network class of {plan.net!r} in the installed package dynamic-network-architectures",)
    return ImportSummary("nnU-Net v2", out, ran, _notes(plan, path, fold), difference)


def _fold(path: Path) -> str:
    folds = sorted(file.parent.name for file in path.glob(f"fold_*/{_CHECKPOINT}"))
    if not folds:
        raise ModelFolderError(f"{path} has no fold with a {_CHECKPOINT}; is the training finished?")
    return folds[0]


def _configuration(checkpoint: Mapping[str, Any], path: Path) -> str:
    try:
        return str(checkpoint["init_args"]["configuration"])
    except (KeyError, TypeError) as error:
        raise ModelFolderError(f"the checkpoint in {path} does not say its configuration; is it nnU-Net v2?") from error


def _weights(checkpoint: Mapping[str, Any], path: Path) -> dict[str, Any]:
    weights = checkpoint.get("network_weights")
    if not isinstance(weights, dict):
        raise ModelFolderError(f"the checkpoint in {path} has no network_weights; is it nnU-Net v2?")
    return {key.removeprefix("module."): tensor for key, tensor in weights.items()}


@dataclass(frozen=True)
class _Axes:
    """``image[a]`` is the image axis that nnU-Net's network axis ``a`` runs along; ``order`` is its inverse."""

    image: tuple[int, ...]

    @property
    def order(self) -> tuple[int, ...]:
        return tuple(self.image.index(axis) for axis in range(3))

    def to_ijk(self, values: Sequence[Any]) -> list[Any]:
        """A value for each network axis → a value for each of I, J, K."""
        return [values[axis] for axis in self.order]

    def kernel_to_ijk(self, tensor: Any) -> Any:
        """A kernel (O, C, network axes) → (O, C, I, J, K); other tensors as they are."""
        return tensor.permute(0, 1, *(2 + axis for axis in self.order)).contiguous() if tensor.ndim == 5 else tensor


def _convert(plan: Plan, weights: dict[str, Any], path: Path) -> Converted:
    torch = require("torch", "import")
    axes = _Axes(tuple(2 - axis for axis in plan.transpose))
    arguments = {key: _argument_to_ijk(key, value, axes) for key, value in plan.arguments.items()}
    source, network = nets.build(plan.net, plan.arguments), nets.build(plan.net, arguments)
    load_into(source, weights, path)
    load_into(network, {key: axes.kernel_to_ijk(tensor) for key, tensor in weights.items()}, path)

    def run(image: FloatTensor) -> FloatTensor:
        turned = image.transpose(0, 1, *(2 + axis for axis in axes.image)).copy()
        with torch.no_grad():
            output = source(torch.from_numpy(turned))
        result: FloatTensor = output.permute(0, 1, *(2 + axis for axis in axes.order)).contiguous().numpy()
        return result

    patch = axes.to_ijk(plan.patch)
    golden = probe(run, plan.arguments["input_channels"], tuple(patch))
    grid = SlidingGrid(patch=tuple(patch), spacing=tuple(axes.to_ijk(plan.spacing)), overlap=0.5, blend="gaussian")
    fields = {"net": plan.net, "arguments": arguments, "grid": grid, "intensity": plan.intensity}
    tensors = {key: tensor.numpy() for key, tensor in nets.unique_tensors(network).items()}
    return Converted(trace(network, golden.input.shape), tensors, golden, fields)


def _argument_to_ijk(key: str, value: Any, axes: _Axes) -> Any:
    """Kernel sizes and strides: a number, or a list of stages, each a number or one per network axis."""
    if key not in ("kernel_sizes", "strides") or not isinstance(value, list):
        return value
    return [axes.to_ijk(stage) if isinstance(stage, list) else stage for stage in value]


def _describe(name: str, plan: Plan, network: NetworkSpec, path: Path, fold: str) -> ModelSpec:
    dataset = plan.dataset
    source = f"nnU-Net v2 results folder {path.resolve().name}, {fold}"
    return ModelSpec(
        name=name,
        version="1",
        task="segment",
        summary=str(dataset.get("description") or f"Imported from {source}."),
        modality=("CT",) if plan.channels == ("CT",) else (),
        channels=plan.channels,
        orientation="RAS" if plan.reads_as_ras else "LPS",
        network=network,
        labels=labels_from(plan.labels),
        origin=Origin(
            source=source,
            data=str(dataset.get("name") or plan.dataset_name),
            citation=str(dataset.get("reference") or ""),
            licence=str(dataset.get("licence") or dataset.get("license") or "not stated in dataset.json"),
        ),
    )


def _notes(plan: Plan, path: Path, fold: str) -> tuple[str, ...]:
    notes = ["nnU-Net averages over mirrored copies and resamples by cubic splines; neither is done here"]
    if len(list(path.glob("fold_*"))) > 1:
        notes.append(f"of several folds only {fold} was taken")
    if not plan.reads_as_ras:
        notes.append(
            "nnU-Net sees an image's axes as the file stores them and does not record which these were; LPS was "
            "assumed, as DICOM has it: if the training images were stored otherwise, correct orientation in model.json"
        )
    if plan.intensity.rule == "zscore":
        notes.append("nnU-Net crops to the non-zero part before it measures mean and deviation")
    if any(path.glob("**/postprocessing.pkl")):
        notes.append("its postprocessing is pickled and was not read")
    return tuple(notes)
