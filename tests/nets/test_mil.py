"""A bag of slices: their order means nothing, and what each counts for is a share."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
models = pytest.importorskip("torchvision.models")

from torch.nn.functional import linear  # noqa: E402

from vesalius import nets  # noqa: E402


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return nets.build("mil", {"channels": 2, "classes": 3, "small": True, "hidden": 8})


@pytest.fixture(scope="module")
def bag() -> torch.Tensor:
    return torch.randn(2, 2, 8, 16, 5, generator=torch.Generator().manual_seed(1))


def test_the_order_of_the_instances_does_not_matter(network: torch.nn.Module, bag: torch.Tensor) -> None:
    order = torch.tensor([3, 0, 4, 2, 1])
    with torch.inference_mode():
        torch.testing.assert_close(network(bag[..., order]), network(bag))
        torch.testing.assert_close(network.attention(bag[..., order]), network.attention(bag)[:, order])


def test_the_attention_of_a_bag_sums_to_one(network: torch.nn.Module, bag: torch.Tensor) -> None:
    with torch.inference_mode():
        shares = network.attention(bag)
    assert shares.shape == (2, 5)
    torch.testing.assert_close(shares.sum(1), torch.ones(2))
    assert shares.min() > 0
    assert shares.std(1).min() > 0, "not all alike"


def test_gives_the_papers_equations_8_and_9(network: torch.nn.Module, bag: torch.Tensor) -> None:
    weights = dict(network.named_parameters())
    value, gate, score = (weights[f"{part}.weight"] for part in ("content.0", "gate.0", "weigh"))
    value_bias, gate_bias = weights["content.0.bias"], weights["gate.0.bias"]
    with torch.inference_mode():
        # rows are J, columns I
        instances = [network.encoder(bag[:1, :, :, :, k].transpose(2, 3))[0] for k in range(bag.shape[-1])]
        raw = [
            torch.exp(score[0] @ (torch.tanh(value @ h + value_bias) * torch.sigmoid(gate @ h + gate_bias)))
            for h in instances
        ]
        pooled = sum(a / sum(raw) * h for a, h in zip(raw, instances, strict=True))
        expected = linear(pooled, weights["head.weight"], weights["head.bias"])
        torch.testing.assert_close(network(bag)[0], expected)


def test_a_bag_of_one_is_that_picture(network: torch.nn.Module, bag: torch.Tensor) -> None:
    with torch.inference_mode():
        picture = network.head(network.encoder(bag[..., 0].transpose(2, 3)))
        torch.testing.assert_close(network(bag[..., :1]), picture)


def test_has_a_resnets_parameters_and_the_attentions() -> None:
    with torch.device("meta"):
        network = nets.build("mil", {"channels": 3, "classes": 1000})
    resnet = models.ResNet18_Weights.IMAGENET1K_V1.meta["num_params"]
    attention = 2 * (512 * 128 + 128) + 128 + 1
    assert sum(parameter.numel() for parameter in network.parameters()) == resnet + attention
