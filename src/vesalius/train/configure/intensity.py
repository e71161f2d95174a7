"""How values are brought to range."""

from __future__ import annotations

from vesalius.models.spec import Intensity, WindowIntensity, ZScoreIntensity
from vesalius.train.fingerprint import Fingerprint

_EMPTY = 0.25  # share of exact zeros from which they are taken for what lies outside the patient


def intensity(data: Fingerprint) -> tuple[Intensity, str]:
    """The rule and what it rests on: a fixed window where a value has a meaning, else each scan's own mean."""
    count = f"{len(data.cases)} cases"
    found = data.intensities
    deviation = _rounded(found.deviation) or 1.0
    if data.kind == "CT":
        window = WindowIntensity(
            low=_rounded(found.low), high=_rounded(found.high), mean=_rounded(found.mean), deviation=deviation
        )
        where = "labelled voxels" if data.label_counts else "voxels"
        return window, f"Hounsfield units: percentiles 0.5 and 99.5, mean and deviation of the {where} of {count}"
    if data.kind == "picture" and len(data.cases[0].channels) == 3 and all(case.eight_bit for case in data.cases):
        window = WindowIntensity(low=0.0, high=255.0, mean=_rounded(found.mean), deviation=deviation)
        return window, f"a colour has a meaning: one rule for all pictures, mean and deviation of {count}"
    if data.zeros >= _EMPTY:
        return ZScoreIntensity(
            nonzero=True
        ), f"{data.zeros:.0%} of the median of {count} is exactly 0: outside the patient"
    return ZScoreIntensity(), "each scan's values have their own scale"


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")
