"""Whether a brain looks as it does in a T1-weighted MRI: fluid dark, grey matter between, white matter bright.

Thresholds were set on six T1 scans (with and without contrast agent, slices of 1 to 6.5 mm), against T2, FLAIR,
inverted and CT-like versions of the same heads, each also tilted by 20 degrees. They are few: a warning is a reason to
look, not a verdict.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vesalius.volume import Array, FloatArray, Geometry, sample

_GRID_MM = 2.0
_RIM_MM = 4.0
_CORE_MM = 10.0
_DEEPEST_MM = 25.0
_MIN_VOXELS = 1000

MAX_FLUID = 0.70
MIN_CORE_OVER_RIM = 0.06
MIN_TYPICAL = 0.42
FLAIR_MAX_FLUID = 0.48
FLAIR_MAX_WHITE_OVER_GREY = 0.10


@dataclass(frozen=True)
class Appearance:
    """What a brain's values look like.

    ``fluid``: brightness of the darkest twentieth against the median, air being 0. ``typical``: where the median lies
    between the darkest (0) and the brightest (1) fiftieth. ``core_over_rim``: how much brighter the core is than the
    rim, as a share of that range. ``white_over_grey``: rank correlation of brightness with depth, of the brighter half.
    """

    fluid: float
    typical: float
    core_over_rim: float
    white_over_grey: float


def t1_oddity(look: Appearance) -> str | None:
    """What about the brain does not look like T1, as part of a sentence; None where nothing is odd."""
    if look.core_over_rim < 0 or (look.core_over_rim < MIN_CORE_OVER_RIM and look.typical < MIN_TYPICAL):
        return (
            f"the brightness of its core over its rim is {look.core_over_rim:.0%} of the range of values "
            f"(in T1: at least {MIN_CORE_OVER_RIM:.0%}), as in T2 or an inverted image"
        )
    if look.fluid > MAX_FLUID:
        return (
            f"its darkest parts are {look.fluid:.0%} as bright as its tissue (fluid in T1: at most {MAX_FLUID:.0%}), "
            "as in CT or an inverted image"
        )
    if look.fluid < FLAIR_MAX_FLUID and look.white_over_grey < FLAIR_MAX_WHITE_OVER_GREY:
        return (
            f"its fluid is very dark ({look.fluid:.0%} as bright as its tissue), yet its white matter is not brighter "
            f"than its grey matter (correlation of brightness with depth: {look.white_over_grey:.2f}), as in FLAIR"
        )
    return None


def brain_appearance(voxels: Array, mask: NDArray[np.bool_], geometry: Geometry, air: float) -> Appearance | None:
    """Describe the values of ``voxels`` (I, J, K) inside ``mask`` (I, J, K); None where they say nothing.

    Args:
        voxels: the part of the scan around the brain.
        mask: the brain.
        geometry: of both.
        air: the value of air in the scan.
    """
    values, depth = _values_and_depth(voxels, mask, geometry)
    if values.size < _MIN_VOXELS:
        return None
    dark, fluid, median, bright = np.percentile(values, (2, 5, 50, 98))
    rim, core = values[depth <= _RIM_MM], values[depth > _CORE_MM]
    upper = (values > median) & (values < bright) & (depth < _DEEPEST_MM)
    if rim.size == 0 or core.size == 0 or np.count_nonzero(upper) < _MIN_VOXELS or median <= air:
        return None
    return Appearance(
        fluid=float((fluid - air) / (median - air)),
        typical=float((median - dark) / (bright - dark)),
        core_over_rim=float((np.median(core) - np.median(rim)) / (bright - dark)),
        white_over_grey=_rank_correlation(values[upper], depth[upper].clip(max=15.0)),
    )


def air_value(voxels: Array) -> float:
    """The value of air in a scan (I, J, K): about the lowest there is; an outlier does not count."""
    thinned = voxels[::2, ::2, ::2]
    finite = thinned[np.isfinite(thinned)]
    return float(np.percentile(finite, 0.5)) if finite.size else 0.0


def _values_and_depth(voxels: Array, mask: NDArray[np.bool_], geometry: Geometry) -> tuple[FloatArray, FloatArray]:
    """(M) finite values and (M) depths below the mask's surface in mm, of the points of a 2 mm grid inside it."""
    import SimpleITK as sitk

    grid = geometry.resampled_to(_GRID_MM)
    centres = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1)
    index = grid.index_map(geometry)
    nearest = centres @ index[:3, :3].T + index[:3, 3]
    inside = sample(mask, nearest, order=0)
    values = sample(voxels, nearest, order=0)
    outside = sitk.GetImageFromArray(np.pad(~inside, 1, constant_values=True).astype(np.uint8))
    outside.SetSpacing(grid.spacing[::-1])
    depth = sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(outside, False, False, True))[1:-1, 1:-1, 1:-1]
    keep = inside & np.isfinite(values)
    return values[keep].astype(float), depth[keep].astype(float)


def _rank_correlation(a: FloatArray, b: FloatArray) -> float:
    """Correlation of the ranks of ``a`` with ``b``; 0 where one of them is constant."""
    ranks = a.argsort().argsort()
    return float(np.corrcoef(ranks, b)[0, 1]) if np.ptp(b) > 0 else 0.0
