"""A two-dimensional network made three-dimensional, layer by layer.

Carreira and Zisserman, "Quo vadis, action recognition?", CVPR 2017: the architecture is inflated, not its weights.
"""

from __future__ import annotations

from torch import nn


def inflate(network: nn.Module) -> nn.Module:
    """Replace, in place, every 2D convolution, batch norm and pooling by its 3D kind; kernels become cubes.

    The convolutions' weights are drawn anew as in He 2015. Only what torchvision's ResNets are made of is known here.
    """
    for name, child in network.named_children():
        setattr(network, name, _in_3d(child))
    return network


def _in_3d(module: nn.Module) -> nn.Module:
    if isinstance(module, nn.Conv2d):
        return _convolution(module)
    if isinstance(module, nn.BatchNorm2d):
        return nn.BatchNorm3d(module.num_features)
    if isinstance(module, nn.MaxPool2d):
        return nn.MaxPool3d(module.kernel_size, module.stride, module.padding)
    if isinstance(module, nn.AdaptiveAvgPool2d):
        return nn.AdaptiveAvgPool3d(1)
    return inflate(module)


def _convolution(flat: nn.Conv2d) -> nn.Conv3d:
    kernel, stride, padding, dilation = flat.kernel_size[0], flat.stride[0], flat.padding[0], flat.dilation[0]
    bias = flat.bias is not None
    solid = nn.Conv3d(flat.in_channels, flat.out_channels, kernel, stride, int(padding), dilation, bias=bias)
    nn.init.kaiming_normal_(solid.weight, mode="fan_out", nonlinearity="relu")
    return solid
