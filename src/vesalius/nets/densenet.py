"""DenseNet: every layer sees the features of all layers before it in its block.

Huang et al., "Densely connected convolutional networks", CVPR 2017; MONAI's, in two and three dimensions.
"""

from __future__ import annotations

from torch import nn

from vesalius.extras import require
from vesalius.nets.blocks import convolution

_BLOCKS = {121: (6, 12, 24, 16), 169: (6, 12, 32, 32), 201: (6, 12, 48, 32)}
_STEM = 64


def densenet(dims: int = 2, channels: int = 1, classes: int = 2, depth: int = 121, small: bool = False) -> nn.Module:
    """(N, C, …) → logits (N, L).

    Args:
        dims: 2 or 3.
        channels: C.
        classes: L.
        depth: 121, 169 or 201.
        small: for images of about 32 voxels a side: the first convolution has 3 voxels a side and stride 1, and no
            pooling follows it.

    Raises:
        ValueError: there is no DenseNet of that depth.
    """
    if depth not in _BLOCKS:
        raise ValueError(f"depth is one of {', '.join(map(str, _BLOCKS))}, not {depth}")
    monai = require("monai.networks.nets", "import")
    network: nn.Module = monai.DenseNet(dims, channels, classes, init_features=_STEM, block_config=_BLOCKS[depth])
    if small:
        features = network.get_submodule("features")
        features.conv0 = convolution(dims, channels, _STEM, bias=False)
        features.pool0 = nn.Identity()
    return network
