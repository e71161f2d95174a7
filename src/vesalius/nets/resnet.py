"""ResNet: a picture or a scan → scores of its classes.

He et al., "Deep residual learning for image recognition", CVPR 2016. In 2D it is torchvision's, whose parameter names,
and so whose weights pre-trained on ImageNet, it shares; in 3D the same with cubic kernels (Hara 2018, "Can
spatiotemporal 3D CNNs retrace the history of 2D CNNs and ImageNet?").
"""

from __future__ import annotations

from torch import nn

from vesalius.extras import require
from vesalius.nets.inflate import inflate


def resnet(dims: int = 2, channels: int = 1, classes: int = 2, depth: int = 18, small: bool = False) -> nn.Module:
    """(N, C, …) → logits (N, L).

    Args:
        dims: 2 or 3.
        channels: C.
        classes: L.
        depth: 18, 34, 50, 101 or 152.
        small: for images of about 32 voxels a side, as in He's CIFAR-10 networks: the first convolution has 3 voxels a
            side and stride 1, and no pooling follows it.

    Raises:
        ValueError: there is no ResNet of that depth, or ``dims`` is neither 2 nor 3.
    """
    models = require("torchvision.models", "train")
    if depth not in (18, 34, 50, 101, 152) or dims not in (2, 3):
        raise ValueError(f"depth is 18, 34, 50, 101 or 152 and dims 2 or 3, not {depth} and {dims}")
    network: nn.Module = getattr(models, f"resnet{depth}")(num_classes=classes)
    kernel, stride = (3, 1) if small else (7, 2)
    stem = nn.Conv2d(channels, 64, kernel, stride, kernel // 2, bias=False)
    nn.init.kaiming_normal_(stem.weight, mode="fan_out", nonlinearity="relu")
    network.conv1 = stem
    if small:
        network.maxpool = nn.Identity()
    return inflate(network) if dims == 3 else network
