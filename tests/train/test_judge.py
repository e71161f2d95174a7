"""Scores of a network in training, against direct computation and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

from tiny_trainings import classifying, reconstructing, segmenting, write_cases, write_pictures
from vesalius.engine.progress import Progress
from vesalius.errors import DatasetError
from vesalius.measure.calibration import best_threshold
from vesalius.train.data import divide, open_dataset
from vesalius.train.export import model_spec
from vesalius.train.judge import ClassificationJudge, SegmentationJudge, labels_of
from vesalius.train.live import LiveBackend, LiveSession
from vesalius.train.parts import make_parts

CPU = torch.device("cpu")


class Above(nn.Module):
    """Scores that prefer label 1 where the prepared image is above a threshold."""

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.zeros_like(image), image - self.threshold], 1)


class Mean(nn.Module):
    """Scores of a picture: its mean, bent by ``factors`` a class."""

    def __init__(self, factors: tuple[float, ...], middle: float = 0.5) -> None:
        super().__init__()
        self.factors, self.middle = torch.tensor(factors), middle

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return (image.mean((1, 2, 3, 4))[:, None] - self.middle) * self.factors


class Same(nn.Module):
    """Gives back what it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.where = nn.Parameter(torch.zeros(()))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image


def direct_dice(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * float((one & other).sum()) / float(one.sum() + other.sum())


def test_dice_is_that_of_the_whole_scan(tmp_path):
    recipe = segmenting()
    cases = open_dataset(write_cases(tmp_path)).cases
    spec = model_spec(recipe)
    judge = SegmentationJudge(
        lambda network: LiveSession(spec, LiveBackend(network, 2, CPU, reduced=False)), cases, labels_of(cases, recipe)
    )
    score = judge.score(Above(1.2))

    expected = []
    for case in cases:
        image, truth = case.volume().voxels[0].astype(np.float64), case.labelmap().voxels == 1
        expected.append(direct_dice((image - image.mean()) / image.std() > 1.2, truth))
    assert score.metric == "dice"
    assert score.details == {"blob": pytest.approx(np.mean(expected), abs=1e-6)}
    assert score.value == pytest.approx(np.mean(expected), abs=1e-6)
    assert 0.3 < score.value < 0.99
    assert judge.verdict(Above(1.2))[1] is None


def test_only_labels_that_occur_are_measured_and_there_must_be_one(tmp_path):
    cases = open_dataset(write_cases(tmp_path)).cases
    two = {1: {"name": "blob", "colour": "#e8a33d"}, 2: {"name": "rare", "colour": "#3d8fe8"}}
    assert labels_of(cases, segmenting(labels=two)) == {1: "blob"}
    with pytest.raises(DatasetError, match="none of the 6 cases to validate on has a label"):
        labels_of(cases, segmenting(labels={3: {"name": "other", "colour": "#e8a33d"}}))


def scores_and_classes(judge: ClassificationJudge, network: nn.Module) -> tuple[np.ndarray, np.ndarray]:
    images = np.stack([case.volume().voxels for case in judge.cases]).astype(np.float32) / 255
    with torch.inference_mode():
        return network(torch.from_numpy(images)).numpy(), np.array([case.target for case in judge.cases])


def classification_judge(tmp_path, recipe, classes: int) -> ClassificationJudge:
    spec = model_spec(recipe)
    cases = open_dataset(tmp_path).cases
    return ClassificationJudge(lambda net: LiveSession(spec, LiveBackend(net, classes, CPU, reduced=False)), cases)


def noisy_pictures(folder, names, seed=0):
    from PIL import Image

    random = np.random.default_rng(seed)
    for number in range(30):
        kind = number % len(names)
        (folder / names[kind]).mkdir(parents=True, exist_ok=True)
        pixels = random.normal(100 + 30 * kind + 25 * random.normal(), 10, (8, 8)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / names[kind] / f"{number:02}.png")


def test_of_two_classes_auroc_accuracy_and_threshold(tmp_path):
    noisy_pictures(tmp_path, ["dark", "light"])
    judge = classification_judge(tmp_path, classifying(), 2)
    network = Mean((-3.0, 5.0))
    score = judge.score(network)
    scores, classes = scores_and_classes(judge, network)

    assert score.value == pytest.approx(roc_auc_score(classes, scores[:, 1] - scores[:, 0]))
    assert score.details == {"accuracy": pytest.approx((scores.argmax(1) == classes).mean())}
    assert 0.6 < score.value < 0.99

    score, decision = judge.verdict(network)
    assert decision.label == "light"
    chances = torch.from_numpy(scores / decision.temperature).softmax(1)[:, 1].numpy()
    youden = [
        (chances[classes == 1] >= cut).mean() + (chances[classes == 0] < cut).mean() - 1 for cut in sorted(chances)
    ]
    reached = (chances[classes == 1] >= decision.threshold).mean() + (chances[classes == 0] < decision.threshold).mean()
    assert reached - 1 == pytest.approx(max(youden))
    assert score.details == {"accuracy": pytest.approx(((chances >= decision.threshold) == (classes == 1)).mean())}
    assert decision.threshold == pytest.approx(best_threshold(chances, classes == 1), abs=1e-4)
    best = min(
        np.geomspace(0.06, 18, 400),
        key=lambda t: float(torch.nn.functional.cross_entropy(torch.from_numpy(scores / t), torch.from_numpy(classes))),
    )
    assert decision.temperature == pytest.approx(best, rel=0.02)


def test_of_three_classes_auroc_is_each_against_the_others(tmp_path):
    noisy_pictures(tmp_path, ["a", "b", "c"])
    labels = {value: {"name": name, "colour": "#4c9f70"} for value, name in enumerate("abc")}
    judge = classification_judge(tmp_path, classifying(labels=labels), 3)
    network = Mean((-3.0, 0.4, 5.0))
    score = judge.score(network)
    scores, classes = scores_and_classes(judge, network)

    shares = torch.from_numpy(scores.astype(np.float64)).softmax(1).numpy()
    assert score.value == pytest.approx(roc_auc_score(classes, shares, multi_class="ovr", average="macro"))
    assert judge.verdict(network)[0] == score
    assert (judge.verdict(network)[1].label, judge.verdict(network)[1].threshold) == (None, 0.5)


def test_reconstruction_is_judged_by_the_error_on_the_same_patches_every_time(tmp_path):
    recipe = reconstructing(corruption__kind="none")
    division = divide(open_dataset(write_cases(tmp_path)), recipe.data)
    judge = make_parts(recipe, tmp_path, division, tmp_path / "t", CPU, Progress()).judge
    zero = nn.Conv3d(1, 1, 1)
    nn.init.zeros_(zero.weight), nn.init.zeros_(zero.bias)
    patches = torch.cat([judge.sampler.draw(number, 0, 1, CPU).images for number in range(8)])

    state = torch.get_rng_state()
    assert judge.score(zero).value == pytest.approx(-float(patches.square().mean()), rel=1e-5)
    assert torch.equal(torch.get_rng_state(), state)
    noisy = make_parts(
        reconstructing(corruption__kind="noise"), tmp_path, division, tmp_path / "t", CPU, Progress()
    ).judge
    assert noisy.score(zero) == noisy.score(zero)
    assert noisy.score(Same()).value == pytest.approx(-(recipe.corruption.deviation**2), rel=0.05)


def test_validation_pictures_are_read_from_their_folder(tmp_path):
    recipe = classifying()
    division = divide(open_dataset(write_pictures(tmp_path)), recipe.data)
    judge = make_parts(recipe, tmp_path, division, tmp_path / "t", CPU, Progress()).judge
    assert judge.score(Mean((-1.0, 1.0))).value == 1.0
