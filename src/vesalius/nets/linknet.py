"""LinkNet in 3D: a small residual encoder-decoder whose skips are sums, not concatenations.

Chaurasia and Culurciello, "LinkNet: Exploiting encoder representations for efficient semantic segmentation", VCIP 2017,
in three dimensions and with instance normalisation as in Fisch et al., "deepbet: Fast brain extraction of T1-weighted
MRI using convolutional neural networks", Computers in Biology and Medicine 179, 2024. Parts are named as in the weights
published with the latter, so that these load one to one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LinkNet(nn.Module):
    """(N, C, I, J, K) → class probabilities (N, L, I, J, K); I, J and K must be multiples of 32.

    Args:
        in_channels: C.
        out_channels: L, background included.
        features: channels of the first of the four encoder stages; each later one has twice as many.
    """

    def __init__(self, in_channels: int = 1, out_channels: int = 2, features: int = 16) -> None:
        super().__init__()
        first, second, third, fourth = (features * 2**stage for stage in range(4))
        half = features // 2
        self.init = nn.Sequential(
            *_conv(in_channels, first, kernel=7, stride=2), nn.MaxPool3d(kernel_size=3, stride=2, padding=1)
        )
        self.down0 = Down(first, first, stride=1)
        self.down1 = Down(first, second, stride=2)
        self.down2 = Down(second, third, stride=2)
        self.down3 = Down(third, fourth, stride=2)
        self.up0 = Up(fourth, third, stride=2)
        self.up1 = Up(third, second, stride=2)
        self.up2 = Up(second, first, stride=2)
        self.up3 = Up(first, first, stride=1)
        self.tp_conv1 = _transposed(first, half, stride=2, bias=True)
        self.conv = _conv(half, half, kernel=3, bias=True)
        self.tp_conv2 = nn.ConvTranspose3d(half, out_channels, kernel_size=2, stride=2)

    def forward(self, image: Tensor) -> Tensor:
        """(N, C, I, J, K) → (N, L, I, J, K), softmax over L."""
        x0 = self.init(image)
        x1 = self.down0(x0)
        x2 = self.down1(x1)
        x3 = self.down2(x2)
        x = self.up0(self.down3(x3)) + x3
        x = self.up1(x) + x2
        x = self.up2(x) + x1
        x = self.up3(x) + x0
        return torch.softmax(self.tp_conv2(self.conv(self.tp_conv1(x))), dim=1)


class Down(nn.Sequential):
    """Encoder stage: two residual blocks, the first of which strides."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.block1 = ResidualBlock(in_channels, out_channels, stride)
        self.block2 = ResidualBlock(out_channels, out_channels, stride=1)


class Up(nn.Sequential):
    """Decoder stage: narrow to a quarter of the channels, upsample, widen again."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        narrow = in_channels // 4
        self.conv1 = _conv(in_channels, narrow, kernel=1)
        self.tp_conv = _transposed(narrow, narrow, stride)
        self.conv2 = _conv(narrow, out_channels, kernel=1)


class ResidualBlock(nn.Module):
    """Two convolutions and a shortcut, which is a strided 1×1×1 convolution where the shape changes."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.double_conv = nn.Sequential(
            *_conv(in_channels, out_channels, kernel=3, stride=stride), *_conv(out_channels, out_channels, kernel=3)[:2]
        )
        self.downsample = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            self.downsample = _conv(in_channels, out_channels, kernel=1, stride=stride)[:2]
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, I, J, K) → (N, C', I/stride, J/stride, K/stride)."""
        out: Tensor = self.act(self.double_conv(x) + self.downsample(x))
        return out


def _conv(in_channels: int, out_channels: int, kernel: int, stride: int = 1, bias: bool = False) -> nn.Sequential:
    conv = nn.Conv3d(in_channels, out_channels, kernel, stride, padding=kernel // 2, bias=bias)
    return nn.Sequential(conv, nn.InstanceNorm3d(out_channels), nn.ReLU(inplace=True))


def _transposed(in_channels: int, out_channels: int, stride: int, bias: bool = False) -> nn.Sequential:
    conv = nn.ConvTranspose3d(
        in_channels, out_channels, kernel_size=3, stride=stride, padding=1, output_padding=stride - 1, bias=bias
    )
    return nn.Sequential(conv, nn.InstanceNorm3d(out_channels), nn.ReLU(inplace=True))
