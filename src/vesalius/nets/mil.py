"""Attention-based multiple-instance learning: one label for a bag of slices or tiles, and which of them it rests on.

Ilse et al., "Attention-based deep multiple instance learning", ICML 2018, with its gated attention.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vesalius.nets.resnet import resnet


class AttentionMIL(nn.Module):
    """(N, C, I, J, K) → logits (N, L); the K slices are the instances of the bag, their order does not matter.

    Args:
        channels: C.
        classes: L.
        depth: of the 2D ResNet that describes each instance.
        small: as in `resnet`.
        hidden: width of the attention's two branches.
    """

    def __init__(
        self, channels: int = 1, classes: int = 2, depth: int = 18, small: bool = False, hidden: int = 128
    ) -> None:
        super().__init__()
        self.encoder = resnet(2, channels, classes, depth, small)
        head = self.encoder.get_submodule("fc")
        if not isinstance(head, nn.Linear):
            raise TypeError("torchvision's ResNets end in a linear layer")
        self.encoder.fc = nn.Identity()
        self.content = nn.Sequential(nn.Linear(head.in_features, hidden), nn.Tanh())
        self.gate = nn.Sequential(nn.Linear(head.in_features, hidden), nn.Sigmoid())
        self.weigh = nn.Linear(hidden, 1)
        self.head = head

    def forward(self, bag: Tensor) -> Tensor:
        """(N, C, I, J, K) → logits (N, L)."""
        instances = self._described(bag)
        logits: Tensor = self.head((self._attention(instances)[..., None] * instances).sum(1))
        return logits

    def attention(self, bag: Tensor) -> Tensor:
        """(N, C, I, J, K) → the weight of each instance (N, K); those of a bag sum to 1."""
        return self._attention(self._described(bag))

    def _described(self, bag: Tensor) -> Tensor:
        """(N, C, I, J, K) → (N, K, features); the encoder sees rows and columns, I is the column."""
        count, channels, columns, rows, instances = bag.shape
        pictures = bag.permute(0, 4, 1, 3, 2).reshape(count * instances, channels, rows, columns)
        described: Tensor = self.encoder(pictures)
        return described.reshape(count, instances, -1)

    def _attention(self, instances: Tensor) -> Tensor:
        scores = self.weigh(self.content(instances) * self.gate(instances))[..., 0]
        return torch.softmax(scores, dim=1)
