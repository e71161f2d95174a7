from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from vesalius.errors import InputError
from vesalius.measure.calibration import (
    best_threshold,
    brier_score,
    expected_calibration_error,
    fit_temperature,
    reliability,
)


def _cases(seed: int, count: int = 300, decimals: int = 15):
    """Probabilities that carry some truth, not well calibrated, and which cases are positive."""
    rng = np.random.default_rng(seed)
    positive = rng.random(count) < 0.4
    return np.round(np.clip(rng.beta(2, 2, count) * 0.6 + 0.4 * positive, 0, 1), decimals), positive


@pytest.mark.parametrize("bins", [5, 10, 15])
@pytest.mark.parametrize("seed", range(3))
def test_the_reliability_curve_is_scikit_learns(seed, bins):
    probabilities, positive = _cases(seed)
    found = reliability(probabilities, positive, bins)
    frequency, mean = calibration_curve(positive, probabilities, n_bins=bins, strategy="uniform")
    assert [one.frequency for one in found] == pytest.approx(list(frequency))
    assert [one.probability for one in found] == pytest.approx(list(mean))
    assert sum(one.share for one in found) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(3))
def test_calibration_error_by_the_definition(seed):
    probabilities, right = _cases(seed)
    total = 0.0
    for low in np.arange(0, 1, 0.1):
        inside = (probabilities >= low) & (probabilities < low + 0.1) if low < 0.85 else probabilities >= low
        if inside.any():
            total += inside.mean() * abs(right[inside].mean() - probabilities[inside].mean())
    assert expected_calibration_error(probabilities, right) == pytest.approx(total)


def test_calibration_error_by_hand():
    assert expected_calibration_error([1.0, 1.0, 1.0, 1.0], [1, 1, 1, 0]) == pytest.approx(0.25)
    assert expected_calibration_error([0.0, 1.0], [0, 1]) == 0
    assert expected_calibration_error([0.75] * 4, [1, 1, 1, 0]) == 0
    assert expected_calibration_error([0.2, 0.2, 0.9, 0.9], [0, 0, 1, 0]) == pytest.approx(0.5 * 0.2 + 0.5 * 0.4)


@pytest.mark.parametrize("seed", range(3))
def test_brier_is_scikit_learns(seed):
    probabilities, positive = _cases(seed)
    assert brier_score(probabilities, positive) == pytest.approx(sk.brier_score_loss(positive, probabilities))


@pytest.mark.parametrize("scale", [0.4, 1.0, 5.0])
@pytest.mark.parametrize("classes", [2, 5])
def test_the_temperature_is_the_most_likely_one(classes, scale):
    rng = np.random.default_rng(classes)
    logits = rng.normal(size=(400, classes)) * 1.5
    truth = np.array([rng.choice(classes, p=row) for row in softmax(logits, axis=1)])

    def loss(temperature):
        return -log_softmax(scale * logits / temperature, axis=1)[np.arange(400), truth].mean()

    found = fit_temperature(scale * logits, truth)
    other = minimize_scalar(loss, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-9})
    assert found == pytest.approx(other.x, rel=1e-5)
    assert found == pytest.approx(scale, rel=0.3)  # the classes were drawn with the temperature `scale`


def test_a_temperature_does_not_leave_its_bounds():
    always_right, always_wrong = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[0.0, 1.0], [1.0, 0.0]])
    assert fit_temperature(always_right, [0, 1]) == pytest.approx(0.05)
    assert fit_temperature(always_wrong, [0, 1]) == pytest.approx(20)


@pytest.mark.parametrize("decimals", [1, 2, 15])
@pytest.mark.parametrize("seed", range(3))
def test_the_threshold_is_youdens(seed, decimals):
    probabilities, positive = _cases(seed, decimals=decimals)
    false, found, thresholds = sk.roc_curve(positive, probabilities, drop_intermediate=False)
    place = int(np.argmax(found - false))
    chosen = best_threshold(probabilities, positive)
    said = probabilities >= chosen
    assert said[positive].mean() - said[~positive].mean() == pytest.approx((found - false)[place])
    # Midway: the answers are those of the threshold that scikit-learn names, with the same gap on both sides.
    np.testing.assert_array_equal(said, probabilities >= thresholds[place])
    below, above = probabilities[~said].max(initial=0), probabilities[said].min()
    assert chosen == pytest.approx((below + above) / 2)


def test_a_threshold_of_cases_that_are_told_apart_lies_between_them():
    assert best_threshold([0.1, 0.2, 0.6, 0.9], [0, 0, 1, 1]) == pytest.approx(0.4)
    assert best_threshold([0.5, 0.5], [0, 1]) == pytest.approx(0.25)  # nothing gained: all are positive


@pytest.mark.parametrize("function", [expected_calibration_error, brier_score, best_threshold, reliability])
def test_what_is_no_probability_is_refused(function):
    for bad in ([1.2, 0.1], [-0.1, 0.5], [np.nan, 0.5]):
        with pytest.raises(InputError, match="between 0 and 1"):
            function(bad, [1, 0])
    with pytest.raises(InputError, match="one flag a probability"):
        function([0.5], [1, 0])
    with pytest.raises(InputError, match="one flag a probability"):
        function([], [])


def test_one_class_has_no_threshold():
    with pytest.raises(InputError, match="both classes"):
        best_threshold([0.1, 0.2], [1, 1])


@pytest.mark.parametrize(
    ("scores", "classes"), [([0.1, 0.2], [0, 1]), ([[0.1, 0.9]], [0, 1]), ([], []), ([[0.1, np.inf]], [0])]
)
def test_scores_without_a_temperature_are_refused(scores, classes):
    with pytest.raises(InputError, match="finite scores"):
        fit_temperature(scores, classes)
