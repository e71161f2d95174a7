"""Several networks of one architecture that answer together (Hansen 1990; Lakshminarayanan 2017, "Deep ensembles")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from vesalius import nets


class Ensemble(nn.Module):
    """(N, C, …) → the logarithm of the members' mean probabilities, (N, L, …) or (N, L).

    Args:
        net: name in `vesalius.nets.NAMES` of what each member is.
        arguments: its arguments.
        members: how many.
    """

    def __init__(self, net: str, arguments: Mapping[str, Any], members: int = 2) -> None:
        super().__init__()
        self.members = nn.ModuleList(nets.build(net, arguments) for _ in range(members))

    def forward(self, image: Tensor) -> Tensor:
        """(N, C, …) → (N, L, …), or (N, L) of classifiers."""
        first, *others = (member(image).softmax(1) for member in self.members)
        total: Tensor = sum(others, first)
        return (total / len(self.members)).clamp(min=1e-12).log()
