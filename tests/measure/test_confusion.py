from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    jaccard_score,
    precision_score,
    recall_score,
)

from vesalius.measure.confusion import Confusion


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    actual, predicted = rng.random((2, 50)) < [[0.3], [0.5]]
    counted = Confusion.count(predicted, actual)
    tn, fp, fn, tp = confusion_matrix(actual, predicted).ravel()
    assert counted == Confusion(tp, fp, fn, tn)
    assert counted.sensitivity == pytest.approx(recall_score(actual, predicted), abs=1e-9)
    assert counted.specificity == pytest.approx(recall_score(~actual, ~predicted), abs=1e-9)
    assert counted.precision == pytest.approx(precision_score(actual, predicted), abs=1e-9)
    assert counted.accuracy == pytest.approx(accuracy_score(actual, predicted), abs=1e-9)
    assert counted.balanced_accuracy == pytest.approx(balanced_accuracy_score(actual, predicted), abs=1e-9)
    assert counted.f1 == pytest.approx(f1_score(actual, predicted), abs=1e-9)
    assert counted.iou == pytest.approx(jaccard_score(actual, predicted), abs=1e-9)


def test_a_ratio_of_nothing_is_undefined():
    counted = Confusion.count(np.zeros(3, bool), np.zeros(3, bool))
    assert (counted.sensitivity, counted.precision, counted.f1, counted.iou) == (None, None, None, None)
    assert (counted.specificity, counted.accuracy, counted.balanced_accuracy) == (1, 1, None)
    assert Confusion(0, 0, 0, 0).accuracy is None
