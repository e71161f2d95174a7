"""DeepLabv3+: atrous convolutions at several rates over a ResNet, and a small decoder for sharp borders.

Chen et al., "Encoder-decoder with atrous separable convolution for semantic image segmentation", ECCV 2018, with a
ResNet encoder and plain convolutions. The encoder's parameters are named as torchvision's, so that weights pre-trained
on ImageNet can start it in 2D; in 3D it is the same network with cubic kernels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 -- as everywhere in the field
from torch import Tensor, nn

from vesalius.nets.blocks import convolution
from vesalius.nets.resnet import resnet

_NORMS = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
_MODE = {2: "bilinear", 3: "trilinear"}
_ASPP, _DETAIL = 256, 48  # the paper's


class DeepLab(nn.Module):
    """(N, C, …) → scores (N, L, …), of any size.

    Args:
        dims: 2 or 3.
        channels: C.
        classes: L.
        depth: of the ResNet, as in `resnet`.
        rates: of the atrous convolutions, in voxels of features 16 times coarser than the image. The paper's are for
            pictures of 513 pixels a side; where they exceed the features, such a convolution sees its own voxel only.
    """

    def __init__(
        self,
        dims: int = 2,
        channels: int = 1,
        classes: int = 2,
        depth: int = 18,
        rates: Sequence[int] = (6, 12, 18),
    ) -> None:
        super().__init__()
        self.encoder = Encoder(dims, channels, depth)
        deep, detail = self.encoder.widths
        self.pyramid = AtrousPyramid(dims, deep, rates)
        self.detail = _unit(dims, detail, _DETAIL, 1)
        self.decoder = nn.Sequential(
            _unit(dims, _ASPP + _DETAIL, _ASPP, 3), _unit(dims, _ASPP, _ASPP, 3), convolution(dims, _ASPP, classes, 1)
        )

    def forward(self, image: Tensor) -> Tensor:
        """(N, C, …) → scores (N, L, …)."""
        deep, detail = self.encoder(image)
        context = _resized(self.pyramid(deep), detail)
        return _resized(self.decoder(torch.cat([context, self.detail(detail)], dim=1)), image)


class Encoder(nn.Module):
    """A ResNet whose last stage is dilated instead of strided: features at a sixteenth and a quarter of the size."""

    def __init__(self, dims: int, channels: int, depth: int) -> None:
        super().__init__()
        parts = dict(resnet(dims, channels, 1, depth).named_children())
        self.conv1, self.bn1, self.relu, self.maxpool = (parts[name] for name in ("conv1", "bn1", "relu", "maxpool"))
        self.layer1, self.layer2, self.layer3 = (parts[f"layer{stage}"] for stage in (1, 2, 3))
        self.layer4 = _dilated(parts["layer4"])
        detail = 64 if depth < 50 else 256  # basic blocks widen nothing in the first stage, bottlenecks fourfold
        self.widths = (8 * detail, detail)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, …) → deep features and detailed features."""
        detail = self.layer1(self.maxpool(self.relu(self.bn1(self.conv1(image)))))
        return self.layer4(self.layer3(self.layer2(detail))), detail


class AtrousPyramid(nn.Module):
    """Atrous spatial pyramid pooling: one voxel, its surroundings at several rates, and the mean of the whole image."""

    def __init__(self, dims: int, inputs: int, rates: Sequence[int]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            [_unit(dims, inputs, _ASPP, 1), *(_unit(dims, inputs, _ASPP, 3, dilation=rate) for rate in rates)]
        )
        # without a norm, which a single voxel a channel and a batch of one image would leave nothing of
        self.whole = nn.Sequential(convolution(dims, inputs, _ASPP, 1), nn.ReLU(inplace=True))
        self.project = _unit(dims, _ASPP * (2 + len(rates)), _ASPP, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(N, inputs, …) → (N, 256, …)."""
        mean = features.mean(dim=tuple(range(2, features.ndim)), keepdim=True)
        whole = self.whole(mean).expand(-1, -1, *features.shape[2:])
        output: Tensor = self.project(torch.cat([*(branch(features) for branch in self.branches), whole], dim=1))
        return output


def _unit(dims: int, inputs: int, outputs: int, kernel: int, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(
        convolution(dims, inputs, outputs, kernel, dilation=dilation, bias=False),
        _NORMS[dims](outputs),
        nn.ReLU(inplace=True),
    )


def _dilated(stage: nn.Module) -> nn.Module:
    """Stride 1 instead of 2; the kernels that come after it keep their reach: every second voxel is as it was."""
    for module in stage.modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d):
            dims = len(module.kernel_size)
            if module.stride[0] > 1:
                module.stride = (1,) * dims
            elif module.kernel_size[0] > 1:
                module.dilation = module.padding = (2,) * dims
    return stage


def _resized(features: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(features, size=like.shape[2:], mode=_MODE[like.ndim - 2], align_corners=False)
