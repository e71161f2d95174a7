from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from vesalius.errors import InputError, UsageError
from vesalius.measure.ranking import auroc
from vesalius.measure.resampling import bootstrap, bootstrap_table


@pytest.mark.parametrize("confidence", [0.8, 0.95])
@pytest.mark.parametrize("statistic", [np.mean, np.median])
def test_agrees_with_scipy(statistic, confidence):
    values = np.random.default_rng(1).gamma(2, 3, 60)
    found = bootstrap(lambda cases: statistic(values[cases]), 60, confidence=confidence, resamples=8000)
    other = stats.bootstrap(
        (values,), statistic, n_resamples=8000, confidence_level=confidence, method="percentile", rng=2
    ).confidence_interval
    assert found.estimate == statistic(values)
    # Both sample: their ends differ by some per cent of the width.
    width = other.high - other.low
    assert (found.low, found.high) == pytest.approx((other.low, other.high), abs=0.08 * width)


def test_the_same_seed_draws_the_same_cases():
    values = np.random.default_rng(1).normal(size=30)
    one, again, other = (bootstrap(lambda c: values[c].mean(), 30, resamples=200, seed=s) for s in (5, 5, 6))
    assert one == again
    assert one != other


def test_strata_keep_their_sizes_and_all_cases_can_be_drawn():
    strata = np.array(["ill"] * 3 + ["well"] * 17)
    seen = set()

    def ill_share(cases):
        seen.update(cases.tolist())
        return np.mean(strata[cases] == "ill")

    found = bootstrap(ill_share, 20, strata=strata, resamples=300)
    assert (found.low, found.high) == pytest.approx((3 / 20, 3 / 20))
    assert seen == set(range(20))
    free = bootstrap(ill_share, 20, resamples=300)
    assert free.low < 3 / 20 < free.high


def test_an_undefined_figure_is_refused_and_strata_help():
    scores, ill = np.array([0.1, 0.4, 0.8, 0.3]), np.array([0, 0, 1, 0])
    with pytest.raises(InputError, match="strata"):
        bootstrap(lambda cases: auroc(scores[cases], ill[cases]), 4)
    assert bootstrap(lambda cases: auroc(scores[cases], ill[cases]), 4, strata=ill).low == 1


def test_what_makes_no_sense_is_refused():
    with pytest.raises(InputError, match="no case"):
        bootstrap(lambda cases: 1.0, 0)
    with pytest.raises(InputError, match="each of the 3 cases"):
        bootstrap(lambda cases: 1.0, 3, strata=[0, 1])
    with pytest.raises(UsageError, match="between 0 and 1"):
        bootstrap(lambda cases: 1.0, 3, confidence=95)
    with pytest.raises(UsageError, match="a resample or more"):
        bootstrap(lambda cases: 1.0, 3, resamples=0)


def test_several_figures_have_the_intervals_that_each_has_alone():
    values = np.random.default_rng(1).normal(size=(25, 3))
    together = bootstrap_table(lambda cases: np.median(values[cases], axis=0), 25, resamples=300)
    alone = [bootstrap(lambda cases, n=n: np.median(values[cases, n]), 25, resamples=300) for n in range(3)]
    assert together == alone


def test_draws_without_a_figure_are_passed_over_and_a_figure_that_no_case_has_is_none():
    rare = np.array([1.0, 3.0, np.nan, np.nan, np.nan])

    def figures(cases):
        defined = rare[cases][np.isfinite(rare[cases])]
        return np.array([defined.mean() if len(defined) else np.nan, np.nan])

    first, second = bootstrap_table(figures, 5, resamples=400)
    assert (first.estimate, first.low, first.high) == (2, 1, 3)
    assert second is None


def test_a_table_of_nothing_is_refused():
    with pytest.raises(InputError, match="no case"):
        bootstrap_table(lambda cases: np.zeros(2), 0)
    with pytest.raises(UsageError, match="between 0 and 1"):
        bootstrap_table(lambda cases: np.zeros(2), 3, confidence=1)
