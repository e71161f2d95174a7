"""The U-Nets of nnU-Net, from its authors' package dynamic-network-architectures, made from plain data.

Isensee et al., "nnU-Net: a self-configuring method for deep learning-based biomedical image segmentation", Nature
Methods 18, 2021; residual encoders: Isensee et al., "nnU-Net revisited", MICCAI 2024.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from vesalius.extras import require

_CLASSES: Mapping[str, type[nn.Module]] = {
    "torch.nn.modules.conv.Conv2d": nn.Conv2d,
    "torch.nn.modules.conv.Conv3d": nn.Conv3d,
    "torch.nn.modules.instancenorm.InstanceNorm2d": nn.InstanceNorm2d,
    "torch.nn.modules.instancenorm.InstanceNorm3d": nn.InstanceNorm3d,
    "torch.nn.modules.batchnorm.BatchNorm2d": nn.BatchNorm2d,
    "torch.nn.modules.batchnorm.BatchNorm3d": nn.BatchNorm3d,
    "torch.nn.modules.dropout.Dropout2d": nn.Dropout2d,
    "torch.nn.modules.dropout.Dropout3d": nn.Dropout3d,
    "torch.nn.LeakyReLU": nn.LeakyReLU,
    "torch.nn.ReLU": nn.ReLU,
}
_CLASS_ARGUMENTS = ("conv_op", "norm_op", "dropout_op", "nonlin")


def plain_conv_unet(deep_supervision: bool = False, **arguments: Any) -> nn.Module:
    """PlainConvUNet: (N, C, …) → scores (N, L, …), in train mode with deep supervision those of each level.

    Args:
        deep_supervision: in train mode give a tuple, finest first.
        arguments: as in an nnU-Net plan, classes by name.
    """
    return _build("PlainConvUNet", arguments, deep_supervision)


def residual_encoder_unet(deep_supervision: bool = False, **arguments: Any) -> nn.Module:
    """ResidualEncoderUNet; the arguments, and what it gives, as in `plain_conv_unet`."""
    return _build("ResidualEncoderUNet", arguments, deep_supervision)


def _build(architecture: str, arguments: Mapping[str, Any], deep_supervision: bool) -> nn.Module:
    """With nnU-Net's random weights.

    Raises:
        ValueError: a class is named that is not in the table.
    """
    resolved = dict(arguments)
    for key in _CLASS_ARGUMENTS:
        name = resolved.get(key)
        if name is not None and name not in _CLASSES:
            raise ValueError(f"{key} may be one of {', '.join(_CLASSES)}, not {name!r}")
        resolved[key] = None if name is None else _CLASSES[name]
    maker = getattr(require("dynamic_network_architectures.architectures.unet", "import"), architecture)
    network: nn.Module = maker(**resolved, deep_supervision=False)
    network.apply(maker.initialize)
    if deep_supervision:
        # hooks, because a module around it would change the names of the weights
        network.register_forward_pre_hook(_supervise_in_train_mode)
        network.register_forward_hook(_list_as_tuple)
    return network


def _supervise_in_train_mode(network: nn.Module, _: object) -> None:
    decoder: Any = network.get_submodule("decoder")
    decoder.deep_supervision = network.training


def _list_as_tuple(_: nn.Module, __: object, scores: Tensor | list[Tensor]) -> Tensor | tuple[Tensor, ...]:
    return tuple(scores) if isinstance(scores, list) else scores
