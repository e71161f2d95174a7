"""Any of timm's classifiers, for transfer learning from natural images.

Wightman, "PyTorch image models", 2019. Parameter names are timm's, so that the safetensors file which timm publishes
for a network can be taken over (`vesalius.nets.transfer`): it is named in the recipe, nothing is downloaded.
"""

from __future__ import annotations

import difflib
from typing import Any

from torch import nn

from vesalius.extras import require


def timm_backbone(name: str, channels: int = 1, classes: int = 2, image_size: int | None = None) -> nn.Module:
    """(N, C, rows, columns) → logits (N, L), with random weights.

    Args:
        name: timm's, such as ``convnext_nano``; not one of its addresses on the network.
        channels: C.
        classes: L.
        image_size: rows and columns, for networks made for one size, such as vision transformers.

    Raises:
        ValueError: timm has no such network.
    """
    timm = require("timm", "train")
    known = timm.list_models()
    if name not in known:
        near = difflib.get_close_matches(name, known)
        raise ValueError(f"timm has no network {name!r}" + (f"; did you mean {' or '.join(near)}?" if near else ""))
    sized: dict[str, Any] = {} if image_size is None else {"img_size": image_size}
    network: nn.Module = timm.create_model(name, pretrained=False, in_chans=channels, num_classes=classes, **sized)
    return network
