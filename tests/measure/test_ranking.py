from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn import metrics as sk

from vesalius.errors import InputError
from vesalius.measure.ranking import (
    auroc,
    average_precision,
    binary_scores,
    midranks,
    multiclass_scores,
)


def _cases(seed: int, decimals: int):
    """Scores that carry some truth; rounded, so that many tie."""
    rng = np.random.default_rng(seed)
    positive = rng.random(200) < 0.3
    return np.round(rng.beta(2, 2, 200) * 0.7 + 0.3 * positive, decimals), positive


@pytest.mark.parametrize("decimals", [1, 2, 15])
@pytest.mark.parametrize("seed", range(3))
def test_binary_agrees_with_scikit_learn(seed, decimals):
    scores, positive = _cases(seed, decimals)
    found, said = binary_scores(scores, positive, threshold=0.6), scores >= 0.6
    assert found.auroc == pytest.approx(sk.roc_auc_score(positive, scores), abs=1e-9)
    assert found.auprc == pytest.approx(sk.average_precision_score(positive, scores), abs=1e-9)
    assert found.accuracy == pytest.approx(sk.accuracy_score(positive, said), abs=1e-9)
    assert found.balanced_accuracy == pytest.approx(sk.balanced_accuracy_score(positive, said), abs=1e-9)
    assert found.f1 == pytest.approx(sk.f1_score(positive, said), abs=1e-9)
    assert found.sensitivity == pytest.approx(sk.recall_score(positive, said), abs=1e-9)
    assert found.specificity == pytest.approx(sk.recall_score(~positive, ~said), abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_multiclass_agrees_with_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    truth = rng.choice(4, 300, p=[0.1, 0.2, 0.3, 0.4])
    logits = rng.normal(size=(300, 4)) + 1.2 * np.eye(4)[truth]
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found, said = multiclass_scores(scores, truth), scores.argmax(axis=1)
    assert found.accuracy == pytest.approx(sk.accuracy_score(truth, said), abs=1e-9)
    assert found.balanced_accuracy == pytest.approx(sk.balanced_accuracy_score(truth, said), abs=1e-9)
    assert found.f1 == pytest.approx(sk.f1_score(truth, said, average="macro"), abs=1e-9)
    assert found.auroc == pytest.approx(sk.roc_auc_score(truth, scores, multi_class="ovr"), abs=1e-9)
    assert found.auprc == pytest.approx(sk.average_precision_score(np.eye(4)[truth], scores), abs=1e-9)
    recalls = sk.recall_score(truth, said, average=None)
    assert [one.sensitivity for one in found.classes] == pytest.approx(list(recalls), abs=1e-9)


def test_answers_of_its_own_change_the_decisions_and_not_the_ranking():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 100)
    likely = np.clip(rng.normal(0.35 + 0.3 * truth, 0.2), 0, 1)
    table, said = np.stack([1 - likely, likely], axis=1), (likely >= 0.3).astype(int)
    found = multiclass_scores(table, truth, said)
    assert found.accuracy == pytest.approx(sk.accuracy_score(truth, said))
    assert found.classes[1] == binary_scores(likely, truth, threshold=0.3)
    assert found.auroc == multiclass_scores(table, truth).auroc
    with pytest.raises(InputError, match="classes must be"):
        multiclass_scores(table, truth, said + 5)


def test_a_class_without_cases_is_left_out_of_the_means():
    scores = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.6, 0.3, 0.1]])
    found = multiclass_scores(scores, [0, 1, 1])
    assert found.classes[2].auroc is None
    assert found.classes[2].sensitivity is None
    assert found.balanced_accuracy == pytest.approx((1 + 0.5) / 2)
    assert found.auroc == pytest.approx(1)


def test_all_tied_ranks_no_better_than_chance():
    assert auroc([0.5] * 6, [1, 0, 0, 0, 1, 0]) == 0.5
    assert average_precision([0.5] * 6, [1, 0, 0, 0, 1, 0]) == pytest.approx(2 / 6)


def test_one_class_alone_cannot_be_ranked():
    assert auroc([0.1, 0.2], [1, 1]) is None
    assert auroc([0.1, 0.2], [0, 0]) is None
    assert average_precision([0.1, 0.2], [0, 0]) is None


def test_midranks_agree_with_scipy():
    values = np.random.default_rng(0).integers(0, 9, 40).astype(float)
    np.testing.assert_array_equal(midranks(values), rankdata(values))


@pytest.mark.parametrize(
    ("scores", "positive", "message"),
    [
        ([0.1, 0.2], [1], "same length"),
        ([], [], "same length"),
        ([0.1, np.nan], [1, 0], "case 1 is not a finite"),
        ([0.1, 0.2], [2, 0], "true or false"),
    ],
)
def test_what_cannot_be_ranked_is_refused(scores, positive, message):
    for function in (auroc, average_precision, binary_scores):
        with pytest.raises(InputError, match=message):
            function(scores, positive)


@pytest.mark.parametrize(
    ("scores", "classes", "message"),
    [
        ([0.1, 0.2], [0, 1], r"\(N, C\)"),
        ([[0.1, 0.9]], [2], "from 0 to 1"),
        ([[0.1, 0.9]], [0.5], "from 0 to 1"),
        ([[0.1, 0.9], [np.inf, 0]], [1, 0], "case 1 is not a finite"),
    ],
)
def test_tables_that_do_not_fit_are_refused(scores, classes, message):
    with pytest.raises(InputError, match=message):
        multiclass_scores(scores, classes)
