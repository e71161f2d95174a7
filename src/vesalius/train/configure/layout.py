"""How the network sees a scan: along which axes, at which spacing, as a whole or slice by slice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vesalius.train.case_fingerprint import Spacing
from vesalius.train.fingerprint import Fingerprint
from vesalius.volume import Shape

_FEW_SLICES = 8  # fewer, and a 3D network could halve that axis once at most


@dataclass(frozen=True)
class Layout:
    """``spacing`` is None where each scan keeps its own; ``size`` is the median scan's; both along ``orientation``."""

    orientation: str
    planar: bool
    spacing: Spacing | None
    size: Shape
    reasons: Mapping[str, str]

    @property
    def voxel(self) -> Spacing:
        """Its edges, taken as 1 where no one says how large they are."""
        return self.spacing or (1.0, 1.0, 1.0)

    @property
    def dims(self) -> int:
        """Of the network."""
        return 2 if self.planar else 3


def layout(data: Fingerprint) -> Layout:
    """Pictures stay upright; a scan of few slices is turned so that they are its slices."""
    count = f"{len(data.cases)} cases"
    placed = sum(case.placed for case in data.cases) * 2 > len(data.cases)
    spacing = data.target_spacing if placed else None
    size = data.median_shape(spacing)
    if data.kind == "picture":
        reasons = {
            "orientation": "the files' own: pictures stay upright",
            "network.planar": f"{count} of one slice each",
        }
        return Layout(data.orientation, True, spacing, size, reasons)
    reasons = {} if spacing is None else {"data.grid.spacing": _spacing_reason(data, count)}
    thin = min(range(3), key=lambda axis: size[axis])
    if size[thin] >= _FEW_SLICES:
        return Layout("RAS", False, spacing, size, reasons)
    a, b = (axis for axis in range(3) if axis != thin)
    reasons["network.planar"] = f"the median of {count} has {size[thin]} slices, too few for a network in 3D"
    reasons["orientation"] = "the slices lie along the third axis"
    turned = None if spacing is None else (spacing[a], spacing[b], spacing[thin])
    return Layout("".join("RAS"[axis] for axis in (a, b, thin)), True, turned, (size[a], size[b], size[thin]), reasons)


def _spacing_reason(data: Fingerprint, count: str) -> str:
    if data.is_anisotropic:
        return f"mm, the median spacing of {count}; along the coarse axis the 10th percentile"
    return f"mm, the median spacing of {count}"
