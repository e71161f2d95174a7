"""When a scan is said to be unlike those seen in training."""

from __future__ import annotations

import pytest

from formula_session import formula_network, formula_spec
from vesalius.models.spec import FamiliaritySpec, SlidingGrid
from vesalius.trust.familiarity import check_familiarity

NETWORK = formula_network(grid=SlidingGrid(patch=(8, 8, 8)))
KNOWN = formula_spec(NETWORK, familiarity=FamiliaritySpec(network=NETWORK, usual=0.1, limit=0.2, cases=50))


def test_a_scan_beyond_the_limit_is_flagged_with_the_figures() -> None:
    (warning,) = check_familiarity(KNOWN, 0.2001)
    assert warning.code == "unlike-training"
    for part in ("0.2 in 99 %", "median 0.1", "50 scans", "'formula'"):
        assert part in warning.message


@pytest.mark.parametrize(("spec", "error"), [(KNOWN, 0.2), (KNOWN, 0.0), (KNOWN, None), (formula_spec(NETWORK), None)])
def test_a_usual_scan_and_a_model_without_the_means_raise_nothing(spec, error) -> None:
    assert check_familiarity(spec, error) == []
