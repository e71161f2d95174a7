"""U-Net++: a U-Net whose skip connections are themselves small U-Nets, supervised at every nesting.

Zhou et al., "UNet++: A nested U-Net architecture for medical image segmentation", DLMIA 2018; MONAI's, in two and three
dimensions.
"""

from __future__ import annotations

from torch import Tensor, nn

from vesalius.extras import require

_LEVELS = 5


class UNetPlusPlus(nn.Module):
    """(N, C, …) → scores (N, L, …); sizes are multiples of 16.

    In train mode the four scores of the nested decoders, all at full size, the deepest first; in eval mode that one.

    Args:
        dims: 2 or 3.
        channels: C.
        classes: L.
        width: channels of the finest level; each of the four levels below has twice as many as the one above.
    """

    def __init__(self, dims: int = 3, channels: int = 1, classes: int = 2, width: int = 32) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(_LEVELS)]
        self.nested = require("monai.networks.nets", "import").BasicUNetPlusPlus(
            dims, channels, classes, features=(*widths, width), deep_supervision=True
        )

    def forward(self, image: Tensor) -> Tensor | tuple[Tensor, ...]:
        """(N, C, …) → scores (N, L, …), in train mode four of them."""
        deepest, *others = reversed(self.nested(image))
        return (deepest, *others) if self.training else deepest
