"""MONAI bundles: configs/metadata.json, configs/inference.json, models/model.pt.

The network is one of MONAI's classes in our name table, built with the plain arguments of ``network_def``. The weights
are read as tensors. A bundle that has only models/model.ts is TorchScript and runs only when the user agrees.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vesalius import nets
from vesalius.errors import ModelFolderError
from vesalius.extras import require
from vesalius.models.golden import FloatTensor
from vesalius.models.graph import trace
from vesalius.models.importers.bundle_config import BundleConfig, class_name
from vesalius.models.importers.bundle_preparation import Preparation, preparation
from vesalius.models.importers.checkpoint import load_checkpoint, load_into, read_json
from vesalius.models.importers.torchscript import convert_script, load_script
from vesalius.models.importers.unknown import ImportSummary, channel_names, labels_from, probe
from vesalius.models.spec import ModelSpec, NetworkSpec, Origin
from vesalius.models.store import Converted, new_folder, store_network, store_spec

_MODALITIES = {"CT": "CT", "MR": "MR", "MRI": "MR", "PET": "PT", "PT": "PT", "US": "US"}
_NOT_ARGUMENTS = ("_target_", "_desc_")


def import_monai_bundle(path: Path, out: Path, name: str, *, run_foreign_code: bool = False) -> ImportSummary:
    """Make the model folder ``out`` of a bundle folder; see `vesalius.models.importers.import_model`."""
    metadata, config = read_json(path / "configs" / "metadata.json"), _config(path)
    prepared = preparation(config, metadata)
    channels = _channels(metadata)
    fields: dict[str, Any] = {
        "grid": prepared.grid,
        "intensity": prepared.intensity,
        "threshold": prepared.threshold,
    }
    weights, script = path / "models" / "model.pt", path / "models" / "model.ts"
    if script.is_file() and not weights.is_file():
        module = load_script(script, run_foreign_code=run_foreign_code)
        network = convert_script(module, len(channels), prepared.grid.patch, fields)
        ran = f"the TorchScript in {script.name}"
    else:
        network = _convert(config, weights, len(channels), prepared, fields)
        ran = f"the class of {network.fields['net']!r} in the installed package monai"
    with new_folder(out) as folder:
        stored, difference = store_network(folder, "network", network)
        store_spec(folder, _describe(name, metadata, channels, stored, prepared))
    return ImportSummary("MONAI bundle", out, (ran,), prepared.notes, difference)


def _config(path: Path) -> BundleConfig:
    for name in ("inference.json", "train.json"):
        file = path / "configs" / name
        if file.is_file():
            return BundleConfig(read_json(file), f"configs/{name}")
    raise ModelFolderError(f"{path} has neither configs/inference.json nor configs/train.json (YAML is not read)")


def _convert(
    config: BundleConfig, weights: Path, channels: int, prepared: Preparation, fields: dict[str, Any]
) -> Converted:
    torch = require("torch", "import")
    net, arguments = _network(config)
    network = nets.build(net, arguments)
    load_into(network, _state_dict(weights), weights)

    def run(image: FloatTensor) -> FloatTensor:
        with torch.no_grad():
            return np.asarray(network(torch.from_numpy(image)).numpy(), np.float32)

    golden = probe(run, channels, prepared.grid.patch)
    tensors = {key: tensor.numpy() for key, tensor in nets.unique_tensors(network).items()}
    return Converted(
        trace(network, golden.input.shape), tensors, golden, {"net": net, "arguments": arguments, **fields}
    )


def _network(config: BundleConfig) -> tuple[str, dict[str, Any]]:
    """Our name of the network and its arguments.

    Raises:
        ModelFolderError: it is not in the table, or an argument is not plain data.
    """
    definition = config.get("network_def" if "network_def" in config else "network")
    if not isinstance(definition, dict):
        raise ModelFolderError("the bundle's network_def must be an object with _target_")
    target = str(definition.get("_target_", ""))
    known = {maker: name for name, (_, module, maker) in nets.NAMES.items() if module.startswith("monai.")}
    if class_name(definition) not in known or not ("." not in target or target.startswith("monai.networks.nets.")):
        raise ModelFolderError(f"the bundle's network {target!r} is not known; known are {', '.join(known)} of MONAI")
    arguments = {key: value for key, value in definition.items() if key not in _NOT_ARGUMENTS}
    special = [key for key in arguments if key.startswith("_")]
    if special:
        raise ModelFolderError(f"the bundle's network_def uses {', '.join(special)}, which is not supported")
    if arguments.get("spatial_dims", arguments.get("dimensions", 3)) != 3:
        raise ModelFolderError("the bundle's network is not 3D; only 3D segmentation can be imported")
    return known[class_name(definition)], arguments


def _state_dict(weights: Path) -> dict[str, Any]:
    """The tensors, where need be from under the key that training scripts put them."""
    content = load_checkpoint(weights)
    for key in ("state_dict", "model", "network"):
        if isinstance(content.get(key), dict):
            return dict(content[key])
    return content


def _channels(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    image = _format(metadata, "inputs", "image")
    count = int(image.get("num_channels", 1))
    names = image.get("channel_def") or {}
    stated = tuple(str(names[str(number)]) for number in range(count) if str(number) in names)
    return stated if len(stated) == count > 1 else channel_names(count)


def _format(metadata: Mapping[str, Any], direction: str, name: str) -> Mapping[str, Any]:
    data: Any = metadata.get("network_data_format", {}).get(direction, {}).get(name, {})
    return data if isinstance(data, dict) else {}


def _labels(metadata: Mapping[str, Any], channels: int) -> dict[int, str]:
    """The names of the output channels; one channel is the only label."""
    names = _format(metadata, "outputs", "pred").get("channel_def") or {}
    if channels == 1:
        return {1: str(next(iter(names.values()), "label 1"))}
    return {value: str(names.get(str(value), f"label {value}")) for value in range(1, channels)}


def _describe(
    name: str, metadata: Mapping[str, Any], channels: tuple[str, ...], network: NetworkSpec, prepared: Preparation
) -> ModelSpec:
    modality = _MODALITIES.get(str(_format(metadata, "inputs", "image").get("modality", "")).upper())
    references = metadata.get("references") or []
    return ModelSpec(
        name=name,
        version=str(metadata.get("version", "1")),
        task="segment",
        summary=str(metadata.get("description") or "Imported from a MONAI bundle."),
        uses=(str(metadata["intended_use"]),) if metadata.get("intended_use") else (),
        modality=(modality,) if modality else (),
        channels=channels,
        orientation=prepared.orientation,
        network=network,
        labels=labels_from(_labels(metadata, prepared.classes)),
        origin=Origin(
            source=f"MONAI bundle {metadata.get('name', name)} {metadata.get('version', '')}".strip(),
            data=str(metadata.get("data_source") or "not stated in metadata.json"),
            citation="; ".join(str(reference) for reference in references),
            licence=str(metadata.get("license") or "not stated in metadata.json"),
            copyright=str(metadata.get("copyright") or ""),
        ),
    )
