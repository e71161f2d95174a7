"""The distribution of a scan's values inside a label."""

from __future__ import annotations

import numpy as np

from vesalius.results import IntensityStatistics
from vesalius.volume import Array


def intensity_statistics(values: Array) -> IntensityStatistics | None:
    """Mean, deviation (of the population) and percentiles (linear) of ``values`` that are finite; None of none."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return None
    low, median, high = np.percentile(finite, (5, 50, 95))
    return IntensityStatistics(
        mean=float(finite.mean(dtype=np.float64)),
        standard_deviation=float(finite.std(dtype=np.float64)),
        minimum=float(finite.min()),
        percentile_5=float(low),
        median=float(median),
        percentile_95=float(high),
        maximum=float(finite.max()),
    )
