"""What an nnU-Net v2 plan says, as far as it can be run here; anything else is refused, never approximated silently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vesalius.errors import ModelFolderError
from vesalius.models.spec import Intensity, NoIntensity, WindowIntensity, ZScoreIntensity

_NETS = {"PlainConvUNet": "nnunet-plain", "ResidualEncoderUNet": "nnunet-residual"}


@dataclass(frozen=True)
class Plan:
    """One configuration of a plan. Everything with axes is in the order of the network, as in the plan."""

    net: str
    arguments: Mapping[str, Any]
    transpose: tuple[int, ...]
    patch: tuple[int, ...]
    spacing: tuple[float, ...]
    intensity: Intensity
    channels: tuple[str, ...]
    labels: Mapping[int, str]
    reads_as_ras: bool
    dataset_name: str
    dataset: Mapping[str, Any]


def read_plan(plans: Mapping[str, Any], dataset: Mapping[str, Any], configuration: str) -> Plan:
    """Read plans.json and dataset.json.

    Raises:
        ModelFolderError: they lack something, or ask for what is not supported: 2D, a cascade, overlapping regions, an
            unknown network or normalisation.
    """
    try:
        return _read(plans, dataset, _resolve(plans["configurations"], configuration))
    except (KeyError, TypeError) as error:
        raise ModelFolderError(f"plans.json or dataset.json is not as nnU-Net v2 writes it: no {error}") from error


def _read(plans: Mapping[str, Any], dataset: Mapping[str, Any], configuration: Mapping[str, Any]) -> Plan:
    if len(configuration["patch_size"]) != 3:
        raise ModelFolderError(
            "this is a 2D configuration of nnU-Net; only 3D ones can be imported, such as 3d_fullres"
        )
    if configuration.get("previous_stage"):
        raise ModelFolderError("this is the second stage of a cascade of nnU-Net; import its 3d_fullres instead")
    architecture = configuration.get("architecture") or _architecture_of_old_plan(configuration)
    class_name = str(architecture["network_class_name"]).rpartition(".")[2]
    if class_name not in _NETS:
        raise ModelFolderError(f"the network class {class_name!r} is not known; known are {', '.join(_NETS)}")
    channels, labels = _channels(dataset), _labels(dataset)
    return Plan(
        net=_NETS[class_name],
        arguments={
            **architecture["arch_kwargs"],
            "input_channels": len(channels),
            "num_classes": 1 + max(labels),
        },
        transpose=tuple(plans["transpose_forward"]),
        patch=tuple(configuration["patch_size"]),
        spacing=tuple(configuration["spacing"]),
        intensity=_intensity(plans, configuration),
        channels=channels,
        labels=labels,
        reads_as_ras=plans.get("image_reader_writer") == "NibabelIOWithReorient",
        dataset_name=str(plans["dataset_name"]),
        dataset=dataset,
    )


def _resolve(configurations: Mapping[str, Any], name: str, below: tuple[str, ...] = ()) -> dict[str, Any]:
    """A configuration with what it inherits."""
    if name in below:
        raise ModelFolderError(f"plans.json: the configurations {' → '.join((*below, name))} inherit in a circle")
    own = dict(configurations[name])
    parent = own.get("inherits_from")
    return own if parent is None else {**_resolve(configurations, parent, (*below, name)), **own}


def _architecture_of_old_plan(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Plans before nnU-Net 2.4 list the parts of what later ones call the architecture."""
    name = configuration["UNet_class_name"]
    encoder = configuration["n_conv_per_stage_encoder"]
    base, largest = configuration["UNet_base_num_features"], configuration["unet_max_num_features"]
    return {
        "network_class_name": name,
        "arch_kwargs": {
            "n_stages": len(encoder),
            "features_per_stage": [min(base * 2**stage, largest) for stage in range(len(encoder))],
            "conv_op": "torch.nn.modules.conv.Conv3d",
            "kernel_sizes": configuration["conv_kernel_sizes"],
            "strides": configuration["pool_op_kernel_sizes"],
            "n_conv_per_stage" if name == "PlainConvUNet" else "n_blocks_per_stage": encoder,
            "n_conv_per_stage_decoder": configuration["n_conv_per_stage_decoder"],
            "conv_bias": True,
            "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
            "norm_op_kwargs": {"eps": 1e-05, "affine": True},
            "nonlin": "torch.nn.LeakyReLU",
            "nonlin_kwargs": {"inplace": True},
        },
    }


def _channels(dataset: Mapping[str, Any]) -> tuple[str, ...]:
    names = dataset.get("channel_names") or dataset["modality"]
    return tuple(str(names[key]) for key in sorted(names, key=int))


def _labels(dataset: Mapping[str, Any]) -> dict[int, str]:
    """Foreground labels by value; nnU-Net trains no channel for the label ``ignore``."""
    values = {name: value for name, value in dataset["labels"].items() if name != "ignore"}
    if any(isinstance(value, list | tuple) for value in values.values()):
        raise ModelFolderError("this model predicts overlapping regions (dataset.json), which is not supported yet")
    labels = {int(value): str(name) for name, value in values.items() if int(value) > 0}
    if sorted(labels) != list(range(1, len(labels) + 1)):
        raise ModelFolderError(f"the labels in dataset.json must count from 1 without gaps, they are {sorted(labels)}")
    return labels


def _intensity(plans: Mapping[str, Any], configuration: Mapping[str, Any]) -> Intensity:
    """The rule that all channels share."""
    schemes, masks = configuration["normalization_schemes"], configuration["use_mask_for_norm"]
    rules = [
        _rule(plans, scheme, mask, channel) for channel, (scheme, mask) in enumerate(zip(schemes, masks, strict=True))
    ]
    if any(rule != rules[0] for rule in rules):
        raise ModelFolderError(
            f"the channels are normalised each in its own way ({schemes}), which is not supported yet"
        )
    return rules[0]


def _rule(plans: Mapping[str, Any], scheme: str, nonzero: bool, channel: int) -> Intensity:
    if scheme == "ZScoreNormalization":
        return ZScoreIntensity(nonzero=nonzero)
    if scheme == "NoNormalization":
        return NoIntensity()
    if scheme != "CTNormalization":
        raise ModelFolderError(f"the normalisation {scheme!r} of nnU-Net is not supported yet")
    everything = plans.get("foreground_intensity_properties_per_channel")
    statistics = (everything or plans["foreground_intensity_properties_by_modality"])[str(channel)]
    return WindowIntensity(
        low=statistics["percentile_00_5"],
        high=statistics["percentile_99_5"],
        mean=statistics["mean"],
        deviation=max(statistics["std"], 1e-8),
    )
