"""Cases by patient: what bootstraps draw, as the scans of one patient are not independent of each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Cases = NDArray[np.intp]


class Evaluated(Protocol):
    """A case that somebody's scan was."""

    @property
    def patient(self) -> str:
        """Whose."""


def patients_of(cases: Sequence[Evaluated]) -> list[Cases]:
    """The places of each patient's cases, in the order in which they come."""
    places: dict[str, list[int]] = {}
    for place, case in enumerate(cases):
        places.setdefault(case.patient, []).append(place)
    return [np.array(own, np.intp) for own in places.values()]


def cases_of(patients: Sequence[Cases], drawn: Cases) -> Cases:
    """All cases of the patients that were drawn."""
    return np.concatenate([patients[patient] for patient in drawn])
