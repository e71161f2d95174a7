"""Figures of a model that classifies, against scikit-learn on the probabilities in closed form."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.special import softmax
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from known_models import mean_model
from vesalius.errors import DatasetError, InputError
from vesalius.train.evaluate.run import evaluate

SIZE = (6, 5, 1)


def write_pictures(path, classes, seed=0, cases=60, means=None):
    """MedMNIST's npz: pictures (N, rows, columns) whose mean goes with their class; returns means and classes (N)."""
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.resize(np.arange(classes), cases))
    means = truth * 0.8 + rng.normal(0, 0.45, cases) if means is None else means
    pictures = means[:, None, None] + rng.normal(0, 0.1, (cases, SIZE[1], SIZE[0]))
    np.savez(path, val_images=pictures.astype(np.float32), val_labels=truth[:, None].astype(np.uint8))
    return pictures.astype(np.float32).mean(axis=(1, 2), dtype=np.float64), truth


@pytest.fixture(scope="module")
def binary(classifier, exact, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "pictures.npz"
    means, truth = write_pictures(path, 2)
    shares = softmax(np.stack([0 * means, means - 0.5], axis=1) / 0.1, axis=1)
    return evaluate(classifier, path, options=exact), shares[:, 1], truth


def test_two_classes_have_scikit_learns_figures(binary):
    found, likely, truth = binary
    said, overall = likely >= 0.4, found.classification.overall
    expected = {
        "auroc": sk.roc_auc_score(truth, likely),
        "auprc": sk.average_precision_score(truth, likely),
        "accuracy": sk.accuracy_score(truth, said),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, said),
        "f1": sk.f1_score(truth, said),
        "sensitivity": sk.recall_score(truth, said),
        "specificity": sk.recall_score(1 - truth, ~said),
        "brier": sk.brier_score_loss(truth, likely),
    }
    frequency, mean = calibration_curve(truth, likely, n_bins=10)
    counts = np.histogram(likely, bins=10, range=(0, 1))[0]
    expected["ece"] = np.abs(frequency - mean) @ counts[counts > 0] / len(truth)
    assert {name: interval.estimate for name, interval in overall.items()} == pytest.approx(expected, abs=1e-5)
    assert (found.classification.positive, found.classification.threshold) == ("ill", 0.4)
    for name in expected.keys() - {"ece"}:  # which a bootstrap biases upwards
        assert overall[name].low < overall[name].estimate < overall[name].high


def test_the_interval_of_auroc_is_near_hanley_and_mcneils(binary):
    interval, truth = binary[0].classification.overall["auroc"], binary[2]
    area, positives, negatives = interval.estimate, truth.sum(), (1 - truth).sum()
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (positives - 1) * (q1 - area**2) + (negatives - 1) * (q2 - area**2)
    error = np.sqrt(variance / (positives * negatives))
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * error, rel=0.25)


def test_the_cases_are_those_of_the_data_the_least_certain_of_the_truth_first(binary):
    found, likely, truth = binary
    cases = found.classification.cases
    own = [case.probabilities[case.truth] for case in cases]
    assert own == sorted(own)
    by_name = {case.name: case for case in cases}
    for number, (share, value) in enumerate(zip(likely, truth, strict=True)):
        case = by_name[f"val-{number:02}"]
        assert case.truth == ("well", "ill")[value]
        assert case.answer == ("well", "ill")[int(share >= 0.4)]
        assert case.probabilities["ill"] == pytest.approx(share, abs=1e-5)
    matrix = sk.confusion_matrix(truth, likely >= 0.4)
    assert [list(row.values()) for row in found.classification.confusion.values()] == matrix.tolist()
    assert type(found).model_validate(json.loads(found.model_dump_json())) == found


def test_several_classes_have_scikit_learns_averages(exact, tmp_path):
    names = ("none", "some", "much")
    model = mean_model(tmp_path / "model", names, SIZE).path
    means, truth = write_pictures(tmp_path / "pictures.npz", 3, seed=2)
    found = evaluate(model, tmp_path / "pictures.npz", options=exact).classification
    scores = softmax(np.stack([0 * means, means - 0.5, 2 * means - 2], axis=1), axis=1)
    said = scores.argmax(axis=1)
    averages = {"average": "macro", "zero_division": 0}
    expected = {
        "auroc": sk.roc_auc_score(truth, scores, multi_class="ovr"),
        "auprc": sk.average_precision_score(np.eye(3)[truth], scores),
        "accuracy": sk.accuracy_score(truth, said),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, said),
        "f1": sk.f1_score(truth, said, **averages),
        "sensitivity": sk.recall_score(truth, said, **averages),
        "brier": np.square(scores - np.eye(3)[truth]).sum(axis=1).mean(),
    }
    for name, value in expected.items():
        assert found.overall[name].estimate == pytest.approx(value, abs=1e-5), name
    for column, name in enumerate(names):
        own = found.classes[name]
        assert own["auroc"].estimate == pytest.approx(sk.roc_auc_score(truth == column, scores[:, column]), abs=1e-5)
        assert own["specificity"].estimate == pytest.approx(sk.recall_score(truth != column, said != column), abs=1e-5)
    assert (found.positive, found.threshold) == (None, None)


def test_one_class_alone_has_no_auroc_and_still_an_accuracy(classifier, exact, tmp_path):
    rng = np.random.default_rng(0)
    pictures = rng.normal(0, 0.1, (5, SIZE[1], SIZE[0])).astype(np.float32)
    np.savez(tmp_path / "well.npz", test_images=pictures, test_labels=np.zeros((5, 1), np.uint8))
    found = evaluate(classifier, tmp_path / "well.npz", options=exact).classification
    assert (found.overall["auroc"], found.overall["sensitivity"]) == (None, None)
    assert found.overall["accuracy"].estimate == 1


def test_classes_are_paired_by_name_where_the_data_name_them(classifier, exact, tmp_path):
    """Folders are numbered by name, "ill" first; the model numbers "well" first."""
    from PIL import Image

    for name, value in (("Ill", 1), ("well", 0)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(3):
            Image.fromarray(np.full((SIZE[1], SIZE[0]), value, np.uint8)).save(
                tmp_path / "data" / name / f"{number}.png"
            )
    found = evaluate(classifier, tmp_path / "data", options=exact).classification
    assert found.overall["accuracy"].estimate == 1


def test_a_class_that_the_model_does_not_know_fails_alone(classifier, exact, tmp_path):
    pictures = np.zeros((3, SIZE[1], SIZE[0]), np.float32)
    np.savez(tmp_path / "a.npz", val_images=pictures, val_labels=np.array([[0], [7], [1]], np.uint8))
    found = evaluate(classifier, tmp_path / "a.npz", options=exact)
    assert list(found.failures) == ["val-1"]
    assert "the class 7" in found.failures["val-1"]
    assert len(found.classification.cases) == 2
    np.savez(tmp_path / "b.npz", val_images=pictures, val_labels=np.full((3, 1), 7, np.uint8))
    with pytest.raises(InputError, match="none of the 3 cases"):
        evaluate(classifier, tmp_path / "b.npz", options=exact)


def test_data_without_classes_are_refused(classifier, exact, tmp_path):
    from labelled import noisy_cases

    noisy_cases(tmp_path, ["a"], noise=0.1)
    with pytest.raises(DatasetError, match="class of none of the cases"):
        evaluate(classifier, tmp_path, options=exact)
