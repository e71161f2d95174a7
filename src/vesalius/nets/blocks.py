"""What several of our networks are made of, in two and three dimensions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

#: dimensions → the class
CONVOLUTIONS: Mapping[int, Callable[..., nn.Module]] = {2: nn.Conv2d, 3: nn.Conv3d}
_TRANSPOSED: Mapping[int, Callable[..., nn.Module]] = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
_NORMS: Mapping[int, Callable[..., nn.Module]] = {2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}

Stride = int | tuple[int, ...]


def convolution(dims: int, inputs: int, outputs: int, kernel: int = 3, **options: Any) -> nn.Module:
    """A convolution of ``kernel`` voxels a side that keeps the size at stride 1, dilated or not."""
    padding = options.get("dilation", 1) * (kernel // 2)
    return CONVOLUTIONS[dims](inputs, outputs, kernel, padding=padding, **options)


def upsampling(dims: int, inputs: int, outputs: int, stride: Stride = 2) -> nn.Module:
    """A transposed convolution that makes the grid ``stride`` times finer, each voxel from one."""
    return _TRANSPOSED[dims](inputs, outputs, stride, stride)


def norm(dims: int, channels: int) -> nn.Module:
    """Instance normalization (Ulyanov 2016) with learned scale and shift: alike for every batch size."""
    return _NORMS[dims](channels, affine=True)


class ConvBlock(nn.Sequential):
    """Convolution, instance norm, leaky ReLU: nnU-Net's unit."""

    def __init__(self, dims: int, inputs: int, outputs: int, stride: Stride = 1, dilation: int = 1) -> None:
        super().__init__(
            convolution(dims, inputs, outputs, stride=stride, dilation=dilation, bias=False),
            norm(dims, outputs),
            nn.LeakyReLU(0.01, inplace=True),
        )


class ResidualBlock(nn.Module):
    """Two convolutions around which the input passes unchanged (He 2016); projected where size or channels change."""

    def __init__(self, dims: int, inputs: int, outputs: int, stride: Stride = 1) -> None:
        super().__init__()
        self.first = ConvBlock(dims, inputs, outputs, stride)
        self.second = nn.Sequential(convolution(dims, outputs, outputs, bias=False), norm(dims, outputs))
        changes = inputs != outputs or stride not in (1, (1,) * dims)
        self.skip = convolution(dims, inputs, outputs, 1, stride=stride, bias=False) if changes else nn.Identity()
        self.activation = nn.LeakyReLU(0.01, inplace=True)

    def forward(self, features: Tensor) -> Tensor:
        """(N, inputs, …) → (N, outputs, …)."""
        output: Tensor = self.activation(self.second(self.first(features)) + self.skip(features))
        return output
