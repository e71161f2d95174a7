"""Networks: tensor → tensor, one architecture a file, built by name from plain data.

torch is an optional extra and slow to import: it is loaded when a network is built, not before.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vesalius.errors import ModelFolderError
from vesalius.extras import require

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

_MONAI = "monai.networks.nets"
_NNUNET = "vesalius.nets.nnunet"

#: name → (extra that brings it, module, what makes it there)
NAMES: Mapping[str, tuple[str, str, str]] = {
    "attention-unet": ("import", _MONAI, "AttentionUnet"),
    "autoencoder": ("torch", "vesalius.nets.autoencoder", "Autoencoder"),
    "basic-unet": ("import", _MONAI, "BasicUNet"),
    "deeplab": ("train", "vesalius.nets.deeplab", "DeepLab"),
    "deeply-supervised": ("torch", "vesalius.nets.deeply_supervised", "DeeplySupervised"),
    "deepmedic": ("torch", "vesalius.nets.deepmedic", "DeepMedic"),
    "densenet": ("import", "vesalius.nets.densenet", "densenet"),
    "dynunet": ("import", _MONAI, "DynUNet"),
    "ensemble": ("torch", "vesalius.nets.ensemble", "Ensemble"),
    "linknet": ("torch", "vesalius.nets.linknet", "LinkNet"),
    "mil": ("train", "vesalius.nets.mil", "AttentionMIL"),
    "monai-resnet": ("import", _MONAI, "ResNet"),
    "nnunet-plain": ("import", _NNUNET, "plain_conv_unet"),
    "nnunet-residual": ("import", _NNUNET, "residual_encoder_unet"),
    "residual-unet": ("torch", "vesalius.nets.residual_unet", "ResidualUNet"),
    "resnet": ("train", "vesalius.nets.resnet", "resnet"),
    "segresnet": ("import", _MONAI, "SegResNet"),
    "swin-unetr": ("import", _MONAI, "SwinUNETR"),
    "timm": ("train", "vesalius.nets.timm_backbone", "timm_backbone"),
    "unet": ("import", _MONAI, "UNet"),
    "unet-plus-plus": ("import", "vesalius.nets.unet_plus_plus", "UNetPlusPlus"),
    "unetr": ("import", _MONAI, "UNETR"),
    "vit": ("train", "vesalius.nets.vit", "vit"),
    "vnet": ("import", _MONAI, "VNet"),
}

#: networks whose graph runs only at the size that it was traced at
OF_ONE_SIZE = frozenset({"swin-unetr", "unetr", "vit"})


def build(name: str, arguments: Mapping[str, Any]) -> nn.Module:
    """The network ``name`` of the table `NAMES` made with ``arguments``, plain data: random weights, eval mode.

    Raises:
        ModelFolderError: there is no such network, or it does not take these arguments.
        MissingExtraError: torch, or the library that has the network, is not installed.
    """
    if name not in NAMES:
        near = difflib.get_close_matches(name, NAMES) or list(NAMES)
        raise ModelFolderError(f"there is no network {name!r}; did you mean {' or '.join(near)}?")
    extra, module, maker = NAMES[name]
    require("torch", "torch")
    try:
        network: nn.Module = getattr(require(module, extra), maker)(**arguments)
    except (AssertionError, KeyError, TypeError, ValueError) as error:  # what libraries raise on arguments they refuse
        raise ModelFolderError(
            f"the network {name!r} does not take the arguments {dict(arguments)}: {error}"
        ) from error
    return network.eval()


def load(name: str, arguments: Mapping[str, Any], weights: Path) -> nn.Module:
    """The network ``name`` with the tensors of the safetensors file ``weights``, in eval mode.

    A parameter that the network shares between several of its parts is stored once, under its first name.

    Raises:
        ModelFolderError: as in `build`, or the file lacks tensors, has others or has them in another shape.
        MissingExtraError: as in `build`.
    """
    network = build(name, arguments)
    from safetensors.torch import load_file

    tensors = load_file(weights)
    own = unique_tensors(network)
    wrong = {key for key in own.keys() | tensors.keys() if _shape(own, key) != _shape(tensors, key)}
    if wrong:
        raise ModelFolderError(
            f"the weights {weights.name} do not fit the network {name!r}: {len(wrong)} tensors are missing, unknown or "
            f"of another shape, such as {min(wrong)!r}"
        )
    network.load_state_dict(tensors, strict=False)
    return network


def unique_tensors(network: nn.Module) -> dict[str, Any]:
    """Every parameter and persistent buffer once, by the first of its names in the state dict."""
    state, seen = {}, set()
    for key, tensor in network.state_dict().items():
        place = (tensor.data_ptr(), tuple(tensor.shape)) if tensor.numel() else key
        if place not in seen:
            seen.add(place)
            state[key] = tensor
    return state


def _shape(tensors: Mapping[str, Any], key: str) -> tuple[int, ...] | None:
    return tuple(tensors[key].shape) if key in tensors else None
