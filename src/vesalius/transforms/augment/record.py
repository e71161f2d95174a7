"""What was drawn for a batch: enough to do the same again, or to undo it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vesalius.transforms.augment.warp import Warp


def selection(samples: Tensor, device: torch.device) -> slice | Tensor:
    """What picks ``samples`` (M,), ascending, from a batch: of neighbours a slice, which copies nothing."""
    first, last = int(samples[0]), int(samples[-1])
    return slice(first, last + 1) if last - first + 1 == len(samples) else samples.to(device)


@dataclass(frozen=True, eq=False)
class Change:
    """One augmentation of intensity: its kind, the samples it touches (M,), and its numbers, mostly (M, …)."""

    kind: str
    samples: Tensor
    numbers: Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class Record:
    """The spatial map of each sample, and the changes of intensity in the order in which they are applied."""

    warp: Warp
    changes: tuple[Change, ...]

    def to_dict(self) -> dict[str, Any]:
        """The record in numbers, strings, lists and dicts only, as JSON takes them; no bit is lost."""
        warp = self.warp
        return {
            "size": list(warp.size),
            "spacing": list(warp.spacing),
            "matrix": warp.matrix.tolist(),
            "shift": warp.shift.tolist(),
            "lattice": None if warp.lattice is None else warp.lattice.tolist(),
            "changes": [
                {
                    "kind": change.kind,
                    "samples": change.samples.tolist(),
                    "numbers": {name: value.tolist() for name, value in change.numbers.items()},
                }
                for change in self.changes
            ],
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Record:
        """What `to_dict` gave."""
        lattice = content["lattice"]
        warp = Warp(
            tuple(content["size"]),
            tuple(content["spacing"]),
            torch.tensor(content["matrix"]),
            torch.tensor(content["shift"]),
            None if lattice is None else torch.tensor(lattice),
        )
        changes = [
            Change(
                change["kind"],
                torch.tensor(change["samples"]),
                {name: torch.tensor(value) for name, value in change["numbers"].items()},
            )
            for change in content["changes"]
        ]
        return cls(warp, tuple(changes))
