from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from labelled import noisy_cases
from vesalius.errors import InputError
from vesalius.train.evaluate.compare import compare, read_evaluation
from vesalius.train.evaluate.run import evaluate

NAMES = [f"case-{n}" for n in range(7)]


@pytest.fixture(scope="module")
def two(segmenter, exact, tmp_path_factory):
    """The same model on a clear and on a noisy version of the same cases."""
    folders = [tmp_path_factory.mktemp(name) for name in ("clear", "noisy")]
    for folder, noise in zip(folders, (0.1, 0.25), strict=True):
        noisy_cases(folder, NAMES, noise)
    return [evaluate(segmenter, folder, options=exact) for folder in folders]


def figures(found, label, name="dice"):
    cases = sorted(found.segmentation.cases, key=lambda case: case.name)
    return np.array([case.labels[label][name] for case in cases])


def test_the_difference_is_paired_and_its_p_scipys(two):
    clear, noisy = two
    found = compare(clear, noisy, "other.json")
    assert (found.cases, found.against, found.model) == (7, "other.json", noisy.model)
    for label in ("front", "back"):
        difference = found.differences[label]["dice"]
        first, second = figures(clear, label), figures(noisy, label)
        assert difference.difference.estimate == pytest.approx(np.mean(first - second))
        assert difference.difference.estimate > 0
        assert difference.p_value == pytest.approx(stats.wilcoxon(first, second, method="exact").pvalue)
        resampled = stats.bootstrap((first - second,), np.mean, n_resamples=5000, method="percentile", rng=0)
        low, high = resampled.confidence_interval
        ends = (difference.difference.low, difference.difference.high)
        assert ends == pytest.approx((low, high), abs=0.1 * (high - low))
    overall = np.mean([figures(clear, label) - figures(noisy, label) for label in ("front", "back")])
    assert found.differences["overall"]["dice"].difference.estimate == pytest.approx(overall)


def test_volume_errors_are_compared_by_their_size(two):
    sizes = [np.abs(figures(found, "front", "volume_error_ml")) for found in two]
    found = compare(*two, "").differences["front"]["volume_error_ml"]
    assert found.difference.estimate == pytest.approx((sizes[0] - sizes[1]).mean())


def test_a_model_does_not_differ_from_itself(two):
    found = compare(two[0], two[0], "itself")
    for differences in found.differences.values():
        for one in differences.values():
            assert (one.difference.estimate, one.difference.low, one.difference.high, one.p_value) == (0, 0, 0, 1)


def test_only_common_cases_count(two):
    clear, noisy = two
    kept = [case for case in noisy.segmentation.cases if case.name in NAMES[:4]]
    fewer = noisy.model_copy(update={"segmentation": noisy.segmentation.model_copy(update={"cases": tuple(kept)})})
    found = compare(clear, fewer, "")
    assert found.cases == 4
    expected = np.mean((figures(clear, "front") - figures(noisy, "front"))[:4])
    assert found.differences["front"]["dice"].difference.estimate == pytest.approx(expected)
    nothing = noisy.model_copy(update={"segmentation": noisy.segmentation.model_copy(update={"cases": ()})})
    with pytest.raises(InputError, match="no case in common"):
        compare(clear, nothing, "")


def test_classifiers_differ_in_accuracy_brier_and_auroc(classifier, exact, tmp_path):
    truth = np.arange(20) % 2
    founds = []
    for number, spread in enumerate((0.3, 1.0)):
        rng = np.random.default_rng(5)
        means = truth * 0.8 + rng.normal(0, spread, 20)
        path = tmp_path / f"{number}.npz"
        pictures = np.broadcast_to(means[:, None, None], (20, 5, 6)).astype(np.float32)
        np.savez(path, val_images=pictures, val_labels=truth[:, None].astype(np.uint8))
        founds.append(evaluate(classifier, path, options=exact))
    sides = []
    for found in founds:
        cases = sorted(found.classification.cases, key=lambda case: case.name)
        likely = np.array([case.probabilities["ill"] for case in cases])
        sides.append((np.array([case.answer == case.truth for case in cases], float), (likely - truth) ** 2, likely))
    differences = compare(*founds, "").differences["overall"]
    right, squares, likely = ([side[part] for side in sides] for part in range(3))
    assert differences["accuracy"].difference.estimate == pytest.approx(np.mean(right[0] - right[1]))
    assert differences["brier"].difference.estimate == pytest.approx(np.mean(squares[0] - squares[1]))
    assert differences["brier"].p_value == pytest.approx(stats.wilcoxon(*squares, method="exact").pvalue)
    areas = [roc_auc_score(truth, likely[number]) for number in range(2)]
    area = differences["auroc"]
    assert area.difference.estimate == pytest.approx(areas[0] - areas[1])
    assert area.difference.low < area.difference.estimate < area.difference.high
    assert area.p_value is None


def test_another_task_is_refused(two, classifier, exact, tmp_path):
    pictures = np.zeros((2, 5, 6), np.float32)
    np.savez(tmp_path / "a.npz", val_images=pictures, val_labels=np.array([[0], [1]], np.uint8))
    other = evaluate(classifier, tmp_path / "a.npz", options=exact)
    with pytest.raises(InputError, match="another task"):
        compare(two[0], other, "a.json")


def test_an_evaluation_is_read_back_from_its_file_or_folder(two, tmp_path):
    (tmp_path / "evaluation.json").write_text(two[0].model_dump_json())
    assert read_evaluation(tmp_path) == two[0]
    assert read_evaluation(tmp_path / "evaluation.json") == two[0]


@pytest.mark.parametrize("content", [None, "{}", "no json"])
def test_what_is_no_evaluation_is_refused(tmp_path, content):
    path = tmp_path / "other.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=r"other\.json cannot be read as the evaluation\.json"):
        read_evaluation(path)
