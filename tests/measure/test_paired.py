from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from vesalius.errors import InputError, UsageError
from vesalius.measure.paired import paired_permutation, wilcoxon_signed_rank


def _models(seed: int, cases: int, decimals: int = 15, gain: float = 0.02):
    rng = np.random.default_rng(seed)
    second = rng.beta(8, 2, cases)
    return np.round(second + rng.normal(gain, 0.05, cases), decimals), np.round(second, decimals)


@pytest.mark.parametrize("cases", [1, 5, 12, 50])
@pytest.mark.parametrize("seed", range(3))
def test_wilcoxon_is_exact_as_scipys(seed, cases):
    first, second = _models(seed, cases)
    found, other = wilcoxon_signed_rank(first, second), stats.wilcoxon(first, second, method="exact")
    assert found.exact
    assert (found.statistic, found.p_value) == pytest.approx((other.statistic, other.pvalue), rel=1e-9)
    assert found.difference == pytest.approx(np.mean(first - second))


def test_wilcoxon_with_ties_is_exact_by_trying_all_signs():
    differences = np.array([1, -1, 2, 2, 2, -3, 4, 4, 0, 5])
    ranks = stats.rankdata(np.abs(differences[differences != 0]))
    sums = np.array(list(product((0, 1), repeat=9))) @ ranks
    observed = min(ranks[[0, 2, 3, 4, 6, 7, 8]].sum(), ranks[[1, 5]].sum())
    found = wilcoxon_signed_rank(differences, np.zeros(10))
    assert found.statistic == observed
    assert found.p_value == pytest.approx(2 * np.mean(sums <= observed))


@pytest.mark.parametrize("decimals", [2, 15])
def test_wilcoxon_of_many_cases_is_scipys_approximation(decimals):
    rng = np.random.default_rng(3)
    # Differences are themselves rounded, so that ties are ties to the last bit.
    differences = np.round(rng.normal(0.02, 0.1, 120), decimals)
    found = wilcoxon_signed_rank(differences, np.zeros(120))
    other = stats.wilcoxon(differences, method="approx", correction=False)
    assert not found.exact
    assert (found.statistic, found.p_value) == pytest.approx((other.statistic, other.pvalue), rel=1e-9)


@pytest.mark.parametrize("cases", [2, 4, 11])
@pytest.mark.parametrize("seed", range(3))
def test_permutation_is_exact_as_scipys(seed, cases):
    first, second = _models(seed, cases, decimals=2)
    found = paired_permutation(first, second)
    other = stats.permutation_test((first - second,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert found.exact
    assert (found.difference, found.p_value) == pytest.approx((other.statistic, other.pvalue), rel=1e-9)


def test_sampled_permutation_is_near_the_t_test_and_repeats():
    first, second = _models(4, 60, gain=0.012)
    found = paired_permutation(first, second)
    assert not found.exact
    assert found.p_value == pytest.approx(stats.ttest_rel(first, second).pvalue, abs=0.02)
    assert found == paired_permutation(first, second)


def test_models_that_never_differ():
    same = np.full(30, 0.9)
    assert wilcoxon_signed_rank(same, same).p_value == 1
    assert paired_permutation(same, same).p_value == 1
    assert paired_permutation(same[:4], same[:4]).p_value == 1


def test_a_clear_difference_never_has_a_p_of_zero():
    first, second = np.arange(40) + 5.0, np.arange(40)
    assert paired_permutation(first, second, resamples=999).p_value == pytest.approx(1 / 1000)


@pytest.mark.parametrize("test", [wilcoxon_signed_rank, paired_permutation])
def test_figures_that_do_not_pair_are_refused(test):
    with pytest.raises(InputError, match="same cases"):
        test([1, 2], [1])
    with pytest.raises(InputError, match="same cases"):
        test([], [])
    with pytest.raises(InputError, match="case 1 has no finite"):
        test([1, np.nan], [1, 2])


def test_no_resamples_are_refused():
    with pytest.raises(UsageError, match="one resample"):
        paired_permutation([1.0], [2.0], resamples=0)
