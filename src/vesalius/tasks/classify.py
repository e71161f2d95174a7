"""Classification: a scan in, a calibrated probability a class out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vesalius.engine.progress import Progress
from vesalius.engine.run import Region, ScoredRun, run_whole
from vesalius.engine.session import Networks
from vesalius.models.spec import Decision
from vesalius.results import Scores
from vesalius.tasks.suitable import check_suitable
from vesalius.volume import IndexBox, Volume


@dataclass(frozen=True, eq=False)
class Classification:
    """The probability of each class, the answer, and the run of the network that made them."""

    scores: Scores
    answer: str
    run: ScoredRun


def classify(session: Networks, volume: Volume, progress: Progress) -> Classification:
    """Classify ``volume`` with the session's model.

    Raises:
        UnsuitableScanError: the scan has another number of channels, or holds NaN or infinity.
        NotEnoughMemoryError: the plan does not fit.
    """
    spec = session.spec
    check_suitable(spec, volume)
    oriented = volume.reoriented(spec.orientation)
    region = Region(oriented.voxels, oriented.geometry, IndexBox((0, 0, 0), oriented.geometry.shape))
    run = run_whole(session, spec.network, region, progress, "classify")
    decision = spec.decision or Decision()
    shares = _softmax(run.scores / decision.temperature)
    probabilities = {label.name: float(shares[value]) for value, label in spec.labels.items()}
    return Classification(Scores(probabilities), answer(probabilities, decision), run)


def answer(probabilities: dict[str, float], decision: Decision) -> str:
    """The decision's label where its probability reaches the threshold, else the most probable of the others."""
    if decision.label is not None and probabilities[decision.label] >= decision.threshold:
        return decision.label
    others = {name: value for name, value in probabilities.items() if name != decision.label}
    return max(others, key=lambda name: others[name])


def _softmax(scores: np.ndarray[tuple[int], np.dtype[np.float32]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    exponentials = np.exp(scores.astype(np.float64) - scores.max())
    shares: np.ndarray[tuple[int], np.dtype[np.float64]] = exponentials / exponentials.sum()
    return shares
