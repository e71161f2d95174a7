"""Every network of the name table, in two and three dimensions, as small as its idea allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from vesalius import nets
from vesalius.nets.planar import Planar

CHANNELS, CLASSES = 2, 3


@dataclass(frozen=True)
class Tiny:
    """A network and an image it takes, ``size`` without N and C: three axes, of a picture two."""

    name: str
    arguments: Mapping[str, Any]
    size: tuple[int, ...]

    def build(self) -> nn.Module:
        """With the same random weights every time, those of norms too, in eval mode."""
        torch.manual_seed(0)
        network = nets.build(self.name, self.arguments)
        with torch.no_grad():
            for module in network.modules():
                if "Norm" in type(module).__name__:
                    _randomize(module)
        return network

    def image(self, seed: int = 0) -> torch.Tensor:
        """Two of them, (2, C, …)."""
        return torch.randn(2, CHANNELS, *self.size, generator=torch.Generator().manual_seed(seed))

    def build_5d(self) -> nn.Module:
        """As in a model folder: (N, C, I, J, K) in, also where it works slice by slice."""
        return Planar(self.build()) if len(self.size) == 2 else self.build()

    def image_5d(self, seed: int = 0) -> torch.Tensor:
        """Two of them, (2, C, I, J, K), of a 2D network two slices."""
        if len(self.size) == 3:
            return self.image(seed)
        return torch.stack([self.image(seed), self.image(seed + 1)], -1).transpose(2, 3)


def _randomize(norm: nn.Module) -> None:
    """Fresh norms change nothing, or everything to 0, so that what happens to them would not be seen."""
    for name, tensor in norm.state_dict(keep_vars=True).items():
        if tensor.is_floating_point():
            tensor.uniform_(*((0.5, 1.5) if name in ("weight", "running_var") else (-0.2, 0.2)))


def _nnunet(blocks: str, dims: int) -> dict[str, Any]:
    return {
        "input_channels": CHANNELS, "num_classes": CLASSES, "n_stages": 3, "features_per_stage": [4, 6, 8],
        "strides": [1, [2] * dims, [1] + [2] * (dims - 1)], "kernel_sizes": [[3] * dims, [1] + [3] * (dims - 1), 3],
        blocks: [1, 2, 1], "n_conv_per_stage_decoder": [1, 1], "conv_bias": True, "deep_supervision": True,
        "conv_op": f"torch.nn.modules.conv.Conv{dims}d", "nonlin": "torch.nn.LeakyReLU",
        "norm_op": f"torch.nn.modules.instancenorm.InstanceNorm{dims}d", "norm_op_kwargs": {"affine": True},
    }  # fmt: skip


def _vit(size: list[int]) -> dict[str, Any]:
    return {"size": size, "channels": CHANNELS, "classes": CLASSES, "patch": 8, "width": 12, "depth": 2, "heads": 3}


def _monai(dims: int) -> dict[str, Any]:
    return {"spatial_dims": dims, "in_channels": CHANNELS, "out_channels": CLASSES}


def _both(
    name: str, ours: bool = True, sizes: tuple[tuple[int, ...], ...] = ((16, 24), (8, 16, 24)), **more: Any
) -> dict[str, Tiny]:
    """One for each of ``sizes``; ``ours`` is named as we name arguments, else as MONAI does."""
    made = {}
    for size in sizes:
        own = {"dims": len(size), "channels": CHANNELS, "classes": CLASSES} if ours else _monai(len(size))
        made[f"{name} {len(size)}D"] = Tiny(name, own | more, size)
    return made


_AFFINE = ["INSTANCE", {"affine": True}]

SEGMENTATION: Mapping[str, Tiny] = {
    **_both("attention-unet", ours=False, channels=[4, 6, 8], strides=[2, 2]),
    **_both("basic-unet", ours=False, features=[4, 4, 6, 6, 8, 4], sizes=((32, 48), (16, 32, 48))),
    **_both("deeplab", sizes=((33, 50), (17, 33, 40)), rates=[1, 2]),
    **_both("deeply-supervised", width=4),
    **_both("deepmedic", factors=[3, 5], widths=[4, 4, 6, 6], fused=8, sizes=((17, 22), (9, 17, 22))),
    **_both(
        "dynunet", ours=False, kernel_size=[3, 3, 3], strides=[1, 2, 2], upsample_kernel_size=[2, 2], filters=[4, 6, 8],
        norm_name=_AFFINE,
    ),
    "ensemble": Tiny(
        "ensemble",
        {"net": "residual-unet", "members": 2,
         "arguments": {"dims": 2, "channels": CHANNELS, "classes": CLASSES, "width": 4, "depth": 3}},
        (16, 24),
    ),
    "linknet": Tiny("linknet", {"in_channels": CHANNELS, "out_channels": CLASSES, "features": 8}, (32, 64, 96)),
    "nnunet-plain 2D": Tiny("nnunet-plain", _nnunet("n_conv_per_stage", 2), (16, 24)),
    "nnunet-plain 3D": Tiny("nnunet-plain", _nnunet("n_conv_per_stage", 3), (8, 16, 24)),
    "nnunet-residual 2D": Tiny("nnunet-residual", _nnunet("n_blocks_per_stage", 2), (16, 24)),
    "nnunet-residual 3D": Tiny("nnunet-residual", _nnunet("n_blocks_per_stage", 3), (8, 16, 24)),
    **_both("residual-unet", width=4, depth=3, deep_supervision=True),
    **_both("segresnet", ours=False, init_filters=8),
    **_both("swin-unetr", ours=False, feature_size=12, depths=[2, 1, 1, 1], sizes=((32, 64), (32, 64, 32))),
    **_both("unet", ours=False, channels=[4, 6, 8], strides=[2, 2], num_res_units=1),
    **_both("unet-plus-plus", width=4, sizes=((32, 48), (16, 32, 48))),
    "unetr 2D": Tiny(
        "unetr",
        {**_monai(2), "img_size": [16, 32], "hidden_size": 24, "mlp_dim": 48, "num_heads": 3, "feature_size": 4},
        (16, 32),
    ),
    # MONAI's takes two dimensions too, but its dropout is for three: of pictures it drops whole ones
    "vnet 3D": Tiny("vnet", _monai(3), (16, 32, 32)),
}  # fmt: skip

CLASSIFICATION: Mapping[str, Tiny] = {
    **_both("densenet", sizes=((32, 48),)),
    **_both("densenet", sizes=((16, 24, 32),), small=True),
    "mil": Tiny("mil", {"channels": CHANNELS, "classes": CLASSES, "small": True, "hidden": 8}, (8, 16, 3)),
    "monai-resnet": Tiny(
        "monai-resnet",
        {"spatial_dims": 3, "n_input_channels": CHANNELS, "num_classes": CLASSES, "block": "basic",
         "layers": [1, 1, 1, 1], "block_inplanes": [4, 4, 8, 8], "conv1_t_size": 3},
        (16, 24, 32),
    ),
    **_both("resnet", sizes=((32, 48), (16, 24, 32))),
    "timm": Tiny("timm", {"name": "resnet10t", "channels": CHANNELS, "classes": CLASSES}, (32, 48)),
    "vit 2D": Tiny("vit", _vit([16, 24]), (16, 24)),
    "vit 3D": Tiny("vit", _vit([8, 16, 24]), (8, 16, 24)),
}  # fmt: skip

RECONSTRUCTION: Mapping[str, Tiny] = {
    f"autoencoder {dims}D": Tiny("autoencoder", {"dims": dims, "channels": CHANNELS, "width": 4, "depth": 3}, size)
    for dims, size in ((2, (16, 24)), (3, (8, 16, 24)))
}

ALL: Mapping[str, Tiny] = {**SEGMENTATION, **CLASSIFICATION, **RECONSTRUCTION}
