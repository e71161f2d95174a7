"""The U-Nets of nnU-Net, from its authors' package dynamic-network-architectures, made from plain data.

Isensee et al., "nnU-Net: a self-configuring method for deep learning-based biomedical image segmentation", Nature
Methods 18, 2021; residual encoders: Isensee et al., "nnU-Net revisited", MICCAI 2024.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from vesalius.extras import require

_CLASSES: Mapping[str, type[nn.Module]] = {
    "torch.nn.modules.conv.Conv3d": nn.Conv3d,
    "torch.nn.modules.instancenorm.InstanceNorm3d": nn.InstanceNorm3d,
    "torch.nn.modules.batchnorm.BatchNorm3d": nn.BatchNorm3d,
    "torch.nn.modules.dropout.Dropout3d": nn.Dropout3d,
    "torch.nn.LeakyReLU": nn.LeakyReLU,
    "torch.nn.ReLU": nn.ReLU,
}
_CLASS_ARGUMENTS = ("conv_op", "norm_op", "dropout_op", "nonlin")


def plain_conv_unet(**arguments: Any) -> nn.Module:
    """PlainConvUNet; ``arguments`` as in an nnU-Net plan, classes by name: (N, C, I, J, K) → logits (N, L, I, J, K)."""
    return _build("PlainConvUNet", arguments)


def residual_encoder_unet(**arguments: Any) -> nn.Module:
    """ResidualEncoderUNet; ``arguments`` as in an nnU-Net plan, classes by name: as `plain_conv_unet`."""
    return _build("ResidualEncoderUNet", arguments)


def _build(architecture: str, arguments: Mapping[str, Any]) -> nn.Module:
    """Build without deep supervision.

    Raises:
        ValueError: a class is named that is not in the table.
    """
    resolved = dict(arguments)
    for key in _CLASS_ARGUMENTS:
        name = resolved.get(key)
        if name is not None and name not in _CLASSES:
            raise ValueError(f"{key} may be one of {', '.join(_CLASSES)}, not {name!r}")
        resolved[key] = None if name is None else _CLASSES[name]
    unets = require("dynamic_network_architectures.architectures.unet", "import")
    network: nn.Module = getattr(unets, architecture)(**resolved, deep_supervision=False)
    return network
