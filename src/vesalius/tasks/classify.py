"""Classification: a scan in, a calibrated probability a class out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vesalius.engine.progress import Progress
from vesalius.engine.region import Region
from vesalius.engine.run import ScoredRun, run_whole
from vesalius.engine.session import Networks
from vesalius.errors import ModelFolderError
from vesalius.models.spec import Decision
from vesalius.results import Scores
from vesalius.tasks.suitable import check_suitable
from vesalius.volume import Volume


@dataclass(frozen=True, eq=False)
class Classification:
    """The probability of each class, the answer, and the run of the network that made them."""

    scores: Scores
    answer: str
    run: ScoredRun


def classify(session: Networks, volume: Volume, progress: Progress) -> Classification:
    """Classify ``volume`` with the session's model.

    Raises:
        UnsuitableScanError: the scan has another number of channels or slices, or holds NaN or infinity.
        NotEnoughMemoryError: the plan does not fit.
        ModelFolderError: the network does not give one finite score a class.
    """
    spec = session.spec
    check_suitable(spec, volume)
    region = Region.whole(volume.reoriented(spec.orientation))
    run = run_whole(session, spec.network, region, progress, "classify")
    if run.scores.shape != (len(spec.labels),) or not np.isfinite(run.scores).all():
        raise ModelFolderError(
            f"the network of {spec.name!r} gives {run.scores} where one number for each of {len(spec.labels)} classes "
            "was expected; run: vesalius models verify"
        )
    decision = spec.decision or Decision()
    shares = _softmax(run.scores.astype(np.float64) / decision.temperature)
    probabilities = {label.name: float(shares[value]) for value, label in sorted(spec.labels.items())}
    return Classification(Scores(probabilities), answer(probabilities, decision), run)


def answer(probabilities: Mapping[str, float], decision: Decision) -> str:
    """The decision's label where its probability reaches the threshold, else the most probable of the others."""
    if decision.label is not None and probabilities[decision.label] >= decision.threshold:
        return decision.label
    others = {name: value for name, value in probabilities.items() if name != decision.label}
    return max(others, key=lambda name: others[name])


def _softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    exponentials = np.exp(scores - scores.max())
    shares: NDArray[np.float64] = exponentials / exponentials.sum()
    return shares
