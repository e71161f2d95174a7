import math

import pytest
import torch

from vesalius.train.optimise import MovingAverage, make_optimiser, set_learning_rate
from vesalius.train.recipe import Training


class Part:
    """The two parts of a recipe that the rate depends on."""

    def __init__(self, training: Training, freeze_steps: int = 0) -> None:
        self.training = training
        self.network = type("Network", (), {"freeze_steps": freeze_steps})()


def groups(share: float = 1.0, brought: bool = False) -> list[dict]:
    layer = torch.nn.Linear(3, 2)
    return [{"params": list(layer.parameters()), "share": share, "brought": brought}]


def test_only_matrices_decay():
    optimiser = make_optimiser(groups(), Training(steps=10, batch=1, weight_decay=0.1))

    assert {group["params"][0].ndim: group["weight_decay"] for group in optimiser.param_groups} == {2: 0.1, 1: 0.0}


@pytest.mark.parametrize(("step", "share"), [(0, 0.1), (9, 1.0), (50, 0.5), (100, 0.0)])
def test_the_rate_rises_linearly_and_falls_as_a_cosine(step, share):
    training = Training(steps=100, batch=1, learning_rate=0.2, warmup=10)
    optimiser = make_optimiser(groups(share=0.5), training)

    rate = set_learning_rate(optimiser, Part(training), step)

    fall = (1 + math.cos(math.pi * step / 100)) / 2
    assert rate == pytest.approx(0.2 * min(1.0, (step + 1) / 10) * fall)
    assert rate == pytest.approx(0.2 * share, abs=0.01)
    assert all(group["lr"] == pytest.approx(rate / 2) for group in optimiser.param_groups)


def test_what_was_brought_rests_while_it_is_frozen():
    training = Training(steps=100, batch=1, learning_rate=0.2, warmup=1)
    optimiser = make_optimiser([*groups(brought=True), *groups()], training)
    before = [parameter.clone() for group in optimiser.param_groups for parameter in group["params"]]

    set_learning_rate(optimiser, Part(training, freeze_steps=5), 4)
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.ones_like(parameter)
    optimiser.step()

    after = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    moved = [not torch.equal(a, b) for a, b in zip(before, after, strict=True)]
    assert moved == [False, False, True, True]
    set_learning_rate(optimiser, Part(training, freeze_steps=5), 5)
    assert all(group["lr"] > 0 for group in optimiser.param_groups)


def test_the_average_is_that_of_the_closed_form():
    network = torch.nn.BatchNorm1d(1)
    average = MovingAverage(network, 0.5)
    expected = 1.0
    for step, value in enumerate([3.0, -1.0, 2.0]):
        torch.nn.init.constant_(network.weight, value)
        network.num_batches_tracked += 1
        average.update(network, step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value

    assert float(average.tensors["weight"]) == pytest.approx(expected)
    assert int(average.tensors["num_batches_tracked"]) == 3
