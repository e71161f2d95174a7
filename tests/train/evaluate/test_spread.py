from __future__ import annotations

import numpy as np
import pytest

from vesalius.train.evaluate.spread import spreads

ALONE = [np.array([n]) for n in range(5)]


def test_means_and_medians_pass_over_what_a_case_does_not_have():
    rows = [
        {"a": {"dice": 0.5, "hd95_mm": None}},
        {"a": {"dice": 0.9, "hd95_mm": 2.0}, "b": {"dice": 0.2, "hd95_mm": 4.0}},
        {},
    ]
    rows += [
        {"a": {"dice": 0.6, "hd95_mm": 3.0}},
        {"a": {"dice": 0.0, "hd95_mm": 9.0}, "b": {"dice": 0.4, "hd95_mm": None}},
    ]
    labels, overall = spreads(rows, ["a", "b", "c"], ALONE)
    a, b = labels["a"], labels["b"]
    assert (a["dice"].mean.estimate, a["dice"].median.estimate, a["dice"].cases) == pytest.approx((0.5, 0.55, 4))
    assert (a["hd95_mm"].mean.estimate, a["hd95_mm"].median.estimate, a["hd95_mm"].cases) == pytest.approx(
        (14 / 3, 3, 3)
    )
    assert (b["dice"].mean.estimate, b["hd95_mm"].cases) == pytest.approx((0.3, 1))
    assert labels["c"] == {}
    assert overall["dice"].mean.estimate == pytest.approx((0.5 + 0.3) / 2)
    assert overall["dice"].median.estimate == pytest.approx((0.55 + 0.3) / 2)
    assert overall["dice"].cases == 4


@pytest.mark.parametrize("count", [5, 6])
def test_medians_are_numpys(count):
    values = np.random.default_rng(count).normal(size=(count, 3))
    rows = [{"a": {str(n): value for n, value in enumerate(row)}} for row in values]
    labels, _ = spreads(rows, ["a"], [np.array([n]) for n in range(count)])
    assert [labels["a"][str(n)].median.estimate for n in range(3)] == pytest.approx(np.median(values, axis=0).tolist())
