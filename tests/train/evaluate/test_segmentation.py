"""Figures of a model that segments, against MONAI and scikit-learn on the arrays themselves."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.special import softmax
from sklearn.metrics import average_precision_score, roc_auc_score

from labelled import SPACING, noisy_cases, write_case
from vesalius.errors import DatasetError, InputError
from vesalius.train.evaluate.run import evaluate

NAMES = ["front", "back"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    return folder, noisy_cases(folder, [f"case-{n}" for n in range(6)], noise=0.15)


@pytest.fixture(scope="module")
def found(segmenter, data, exact):
    return evaluate(segmenter, data[0], options=replace(exact, voxel_ranking=True))


def _monai(case, value, tolerance):
    metrics, torch = pytest.importorskip("monai.metrics"), pytest.importorskip("torch")
    masks = [torch.from_numpy(voxels == value)[None, None] for voxels in (case.said, case.label)]
    options = {"include_background": True, "spacing": SPACING}
    return {
        "dice": metrics.DiceMetric(include_background=True)(*masks).item(),
        "iou": metrics.MeanIoU(include_background=True)(*masks).item(),
        "hd95_mm": metrics.compute_hausdorff_distance(*masks, percentile=95, **options).item(),
        "assd_mm": metrics.compute_average_surface_distance(*masks, symmetric=True, **options).item(),
        "nsd": metrics.compute_surface_dice(*masks, class_thresholds=[tolerance], **options).item(),
    }


def test_each_case_has_monais_figures(found, data):
    assert {case.name for case in found.segmentation.cases} == set(data[1])
    for case in found.segmentation.cases:
        for value, name in enumerate(NAMES, start=1):
            figures, arrays = case.labels[name], data[1][case.name]
            for figure, expected in _monai(arrays, value, 1.0).items():
                assert figures[figure] == pytest.approx(expected, abs=1e-4), figure
            said, true = int((arrays.said == value).sum()), int((arrays.label == value).sum())
            both = int(((arrays.said == value) & (arrays.label == value)).sum())
            assert figures["sensitivity"] == pytest.approx(both / true)
            assert figures["precision"] == pytest.approx(both / said)
            assert figures["reference_ml"] == pytest.approx(true * np.prod(SPACING) / 1000, rel=1e-5)
            assert figures["volume_error_ml"] == pytest.approx((said - true) * np.prod(SPACING) / 1000, rel=1e-5)


def test_voxels_are_ranked_as_by_scikit_learn(found, data):
    # The model's scores are -4 (x - k)² but for what the classes have in common.
    shares = {
        name: softmax(-4 * (case.image[None] - np.arange(3)[:, None, None, None]) ** 2, axis=0)
        for name, case in data[1].items()
    }
    for value, label in enumerate(NAMES, start=1):
        for case in found.segmentation.cases:
            pair = (data[1][case.name].label == value).ravel(), shares[case.name][value].ravel()
            assert case.labels[label]["voxel_auroc"] == pytest.approx(roc_auc_score(*pair), abs=1e-3)
            assert case.labels[label]["voxel_auprc"] == pytest.approx(average_precision_score(*pair), abs=2e-3)
        truth = np.concatenate([(case.label == value).ravel() for case in data[1].values()])
        likely = np.concatenate([shares[name][value].ravel() for name in data[1]])
        pooled = found.segmentation.pooled[label]
        assert pooled["voxel_auroc"] == pytest.approx(roc_auc_score(truth, likely), abs=1e-3)
        assert pooled["voxel_auprc"] == pytest.approx(average_precision_score(truth, likely), abs=2e-3)


def test_means_medians_and_their_intervals_are_over_the_cases(found):
    cases = found.segmentation.cases
    for label in NAMES:
        values = np.array([case.labels[label]["hd95_mm"] for case in cases])
        spread = found.segmentation.labels[label]["hd95_mm"]
        assert spread.cases == len(cases)
        assert (spread.mean.estimate, spread.median.estimate) == pytest.approx((values.mean(), np.median(values)))
        other = stats.bootstrap((values,), np.mean, n_resamples=5000, method="percentile", rng=1).confidence_interval
        assert (spread.mean.low, spread.mean.high) == pytest.approx(other, abs=0.1 * (other.high - other.low) + 1e-9)
    means = [found.segmentation.labels[label]["dice"].mean.estimate for label in NAMES]
    assert found.segmentation.overall["dice"].mean.estimate == pytest.approx(np.mean(means))


def test_the_worst_case_comes_first_and_everything_is_json(found):
    dices = [case.dice for case in found.segmentation.cases]
    assert dices == sorted(dices)
    assert dices[0] < dices[-1]
    assert type(found).model_validate(json.loads(found.model_dump_json())) == found
    assert found.running.precision == "f32"
    assert found.notes == ()


def test_a_label_in_neither_is_left_out_and_one_in_a_single_one_counts_as_missed(segmenter, exact, tmp_path):
    image, label = np.zeros((2, 12, 12, 8))
    image[2:5], label[2:5] = 1, 1
    write_case(tmp_path, "front-only", image, label.astype(np.uint8))
    image[7:9] = 2
    write_case(tmp_path, "too-much", image, label.astype(np.uint8))
    label[7:9] = 2
    write_case(tmp_path, "both", image, label.astype(np.uint8))
    found = evaluate(segmenter, tmp_path, options=exact).segmentation
    cases = {case.name: case for case in found.cases}
    assert list(cases["front-only"].labels) == ["front"]
    assert cases["front-only"].dice == 1
    assert cases["too-much"].labels["back"]["dice"] == 0
    assert cases["too-much"].labels["back"]["hd95_mm"] is None
    assert found.labels["back"]["dice"].mean.estimate == 0.5
    assert (found.labels["back"]["dice"].cases, found.labels["back"]["hd95_mm"].cases) == (2, 1)


def test_labels_of_the_same_names_under_other_numbers_are_the_models(segmenter, exact, tmp_path):
    image, label = np.zeros((2, 12, 12, 8))
    image[2:5], image[7:9], label[2:5], label[7:9] = 1, 2, 2, 1
    (tmp_path / "imagesTr").mkdir()
    write_case(tmp_path, "a", image, label.astype(np.uint8))
    (tmp_path / "imagesTr").rmdir()
    (tmp_path / "images").rename(tmp_path / "imagesTr")
    (tmp_path / "labels").rename(tmp_path / "labelsTr")
    (tmp_path / "imagesTr" / "a.nii.gz").rename(tmp_path / "imagesTr" / "a_0000.nii.gz")
    described = {
        "labels": {"background": 0, "Back": 1, "front": 2},
        "channel_names": {"0": "MR"},
        "file_ending": ".nii.gz",
        "numTraining": 1,
    }
    (tmp_path / "dataset.json").write_text(json.dumps(described))
    assert evaluate(segmenter, tmp_path, options=exact).segmentation.overall["dice"].mean.estimate == 1
    described["labels"] = {"background": 0, "back": 1, "left": 2}
    (tmp_path / "dataset.json").write_text(json.dumps(described))
    with pytest.raises(DatasetError, match="which is which"):
        evaluate(segmenter, tmp_path, options=exact)


def test_a_case_that_fails_is_listed_and_the_others_are_evaluated(segmenter, exact, tmp_path):
    cases = noisy_cases(tmp_path, ["good", "fine"], noise=0.1)
    write_case(tmp_path, "bad", cases["good"].image * np.nan, cases["good"].label)
    write_case(tmp_path, "unlabelled", cases["good"].image, None)
    (tmp_path / "images" / "broken.nii.gz").write_bytes(b"not a scan")
    (tmp_path / "labels" / "broken.nii.gz").write_bytes(b"not a scan")
    found = evaluate(segmenter, tmp_path, options=exact)
    assert {case.name for case in found.segmentation.cases} == {"good", "fine"}
    assert set(found.failures) == {"bad", "broken"}
    assert "not a number" in found.failures["bad"]
    assert any("1 case(s) without a label" in note for note in found.notes)


def test_data_that_say_nothing_of_the_models_labels_are_refused(segmenter, exact, tmp_path):
    cases = noisy_cases(tmp_path / "other", ["a"], noise=0.1)
    write_case(tmp_path / "other", "a", cases["a"].image, np.where(cases["a"].label > 0, 7, 0).astype(np.uint8))
    with pytest.raises(DatasetError, match=r"the labels in the data \(7\) are none of the model's \(front, back\)"):
        evaluate(segmenter, tmp_path / "other", options=exact)
    write_case(tmp_path / "bare", "a", cases["a"].image, None)
    with pytest.raises(DatasetError, match="none of the cases has labels"):
        evaluate(segmenter, tmp_path / "bare", options=exact)
    write_case(tmp_path / "flat", "a", cases["a"].image[..., :1], cases["a"].label[..., :1])
    with pytest.raises(InputError, match=r"none of the 1 cases could be evaluated; of a: .*single slice"):
        evaluate(segmenter, tmp_path / "flat", options=exact)


def test_labels_that_the_model_does_not_know_or_that_do_not_occur_are_noted(segmenter, exact, tmp_path):
    image, label = np.zeros((2, 12, 12, 8))
    image[2:5], label[2:5], label[8:10] = 1, 1, 5
    write_case(tmp_path, "a", image, label.astype(np.uint8))
    notes = evaluate(segmenter, tmp_path, options=exact).notes
    assert any("does not know were taken for background: 5" in note for note in notes)
    assert any("no reference has the label back" in note for note in notes)


def test_the_scans_of_one_patient_are_drawn_together(segmenter, exact, tmp_path):
    """Two patients, each with three equal scans: the interval is that of two cases, not of six."""
    cases = noisy_cases(tmp_path, ["a", "b"], noise=0.2)
    rows = ["image,label,name,patient"]
    for patient in "ab":
        for number in range(3):
            write_case(tmp_path, f"{patient}{number}", cases[patient].image, cases[patient].label)
            rows.append(f"images/{patient}{number}.nii.gz,labels/{patient}{number}.nii.gz,{patient}{number},{patient}")
    table = tmp_path / "cases.csv"
    table.write_text("\n".join(rows))
    found = evaluate(segmenter, table, options=exact).segmentation
    dices = {case.dice for case in found.cases}
    interval = found.overall["dice"].mean
    assert len(dices) == 2
    assert (interval.low, interval.high) == pytest.approx((min(dices), max(dices)))


def test_pictures_count_in_pixels(tmp_path, exact):
    from PIL import Image

    from known_models import rounding_model

    model = rounding_model(tmp_path / "model", ("vessel",), (8, 8, 1)).path
    for part in ("images", "labels"):
        (tmp_path / "data" / part).mkdir(parents=True)
    picture = np.zeros((20, 16), np.uint8)
    picture[4:12, 3:9] = 1
    Image.fromarray(picture).save(tmp_path / "data" / "images" / "a.png")
    Image.fromarray(np.roll(picture, 3, axis=1) * 255).save(tmp_path / "data" / "labels" / "a.png")
    found = evaluate(model, tmp_path / "data", options=exact)
    figures = found.segmentation.cases[0].labels["vessel"]
    assert (figures["dice"], figures["hd95_mm"]) == (0.5, 3)
    assert found.segmentation.pictures
    assert any("count pixels" in note for note in found.notes)
