"""Whether a scan is like those that a model learned from."""

from __future__ import annotations

from vesalius.models.spec import ModelSpec
from vesalius.results import Warning


def check_familiarity(spec: ModelSpec, error: float | None) -> list[Warning]:
    """Warn where the scan is restored worse than 99 % of the scans held out of training.

    Args:
        spec: the model's description.
        error: of the scan, as `vesalius.tasks.reconstruct` measures it; None where the model has nothing to measure by.
    """
    familiarity = spec.familiarity
    if familiarity is None or error is None or error <= familiarity.limit:
        return []
    return [
        Warning(
            code="unlike-training",
            message=f"The scan is unlike those that the model {spec.name!r} learned from: its reconstruction error is "
            f"{error:.3g}, of {familiarity.cases} scans held out of training it is at most {familiarity.limit:.3g} in "
            f"99 % (median {familiarity.usual:.3g}). Do not rely on the result: check that this is the kind of scan "
            "that the model takes, and look for artefacts.",
        )
    ]
