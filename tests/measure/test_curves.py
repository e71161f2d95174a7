from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from vesalius.errors import InputError
from vesalius.measure.curves import precision_recall_curve, roc_curve


def _cases(seed: int, decimals: int):
    rng = np.random.default_rng(seed)
    positive = rng.random(80) < 0.4
    return np.round(rng.random(80) * 0.7 + 0.3 * positive, decimals), positive


@pytest.mark.parametrize("decimals", [1, 15])
@pytest.mark.parametrize("seed", range(3))
def test_the_curves_are_scikit_learns(seed, decimals):
    scores, positive = _cases(seed, decimals)
    false, found = roc_curve(scores, positive)
    others = sk.roc_curve(positive, scores, drop_intermediate=False)
    np.testing.assert_allclose((false, found), others[:2])
    recall, precision = precision_recall_curve(scores, positive)
    other_precision, other_recall, _ = sk.precision_recall_curve(positive, scores, drop_intermediate=False)
    np.testing.assert_allclose((recall, precision), (other_recall[::-1], other_precision[::-1]))


@pytest.mark.parametrize("curve", [roc_curve, precision_recall_curve])
@pytest.mark.parametrize(("scores", "positive"), [([0.1, 0.2], [1, 1]), ([0.1], [0, 1]), ([], [])])
def test_one_class_has_no_curve(curve, scores, positive):
    with pytest.raises(InputError, match="both classes"):
        curve(scores, positive)
