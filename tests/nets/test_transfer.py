"""What a network takes over from another, how it is adapted, and how fast it may change."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
models = pytest.importorskip("torchvision.models")

from vesalius import nets  # noqa: E402
from vesalius.nets.autoencoder import Autoencoder  # noqa: E402
from vesalius.nets.residual_unet import ResidualUNet  # noqa: E402
from vesalius.nets.transfer import adapt_tensors, parameter_groups  # noqa: E402
from vesalius.train.optimise import make_optimiser, set_learning_rate  # noqa: E402
from vesalius.train.recipe import Training  # noqa: E402


@pytest.mark.parametrize("channels", [1, 2, 4, 6])
def test_the_response_to_equal_channels_stays_what_it_was(channels: int) -> None:
    torch.manual_seed(0)
    colour, network = models.resnet18().eval(), nets.build("resnet", {"channels": channels})
    network.load_state_dict(adapt_tensors(colour.state_dict(), network), strict=False)
    grey = torch.rand(1, 1, 32, 48)
    with torch.inference_mode():
        expected = colour.conv1(grey.expand(-1, 3, -1, -1))
        torch.testing.assert_close(network.conv1(grey.expand(-1, channels, -1, -1)), expected)


def test_with_the_same_channels_the_weights_are_as_they_were() -> None:
    colour, network = models.resnet18(), nets.build("resnet", {"channels": 3})
    adapted = adapt_tensors(colour.state_dict(), network)
    assert torch.equal(adapted["conv1.weight"], colour.conv1.weight)


def test_all_but_the_head_is_taken_over_from_a_classifier_of_other_classes() -> None:
    network = nets.build("resnet", {"channels": 3, "classes": 2})
    adapted = adapt_tensors(models.resnet18(num_classes=1000).state_dict(), network)
    assert network.state_dict().keys() - adapted.keys() == {"fc.weight", "fc.bias"}


@pytest.mark.parametrize("name", ["deeplab", "mil"])
def test_a_bare_encoder_starts_the_encoder_of_a_larger_network(name: str) -> None:
    network = nets.build(name, {"channels": 3})
    given = models.resnet18().state_dict()
    adapted = adapt_tensors(given, network)
    assert {key.removeprefix("encoder.") for key in adapted} == given.keys() - {"fc.weight", "fc.bias"}
    assert torch.equal(adapted["encoder.layer4.1.conv2.weight"], given["layer4.1.conv2.weight"])


def test_an_autoencoder_starts_a_segmentation_with_its_encoder() -> None:
    pretrained = Autoencoder(3, 1, width=4, depth=3)
    network = ResidualUNet(3, 2, 3, width=4, depth=3)
    adapted = adapt_tensors(pretrained.state_dict(), network)
    assert adapted.keys() == {f"encoder.{key}" for key in network.encoder.state_dict()}


def test_only_the_first_convolution_is_adapted_to_other_inputs() -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.Conv2d(4, 4, 3))
    given = {"0.weight": torch.ones(4, 3, 3, 3), "1.weight": torch.ones(4, 2, 3, 3), "1.bias": torch.ones(7)}
    assert adapt_tensors(given, network).keys() == {"0.weight"}


def test_of_a_stranger_nothing_is_taken_over() -> None:
    assert adapt_tensors({"weight": torch.ones(2)}, torch.nn.Conv2d(1, 1, 3)) == {}


def layers() -> torch.nn.Sequential:
    return torch.nn.Sequential(*(torch.nn.Linear(2, 2) for _ in range(4)))


def test_rates_rise_geometrically_from_the_first_layer_to_the_last_brought_and_are_full_in_the_head() -> None:
    network = layers()
    brought = {f"{layer}.{part}" for layer in range(3) for part in ("weight", "bias")}
    shares = {
        id(parameter): (group["share"], group["brought"])
        for group in parameter_groups(network, brought, 0.25)
        for parameter in group["params"]
    }
    found = [[shares[id(parameter)] for parameter in layer.parameters()] for layer in network]
    assert found == [[(0.0625, True)] * 2, [(0.125, True)] * 2, [(0.25, True)] * 2, [(1.0, False)] * 2]


@pytest.mark.parametrize("brought", [set(), {"0.weight"}, {name for name, _ in layers().named_parameters()}])
def test_every_parameter_is_in_one_group(brought: set[str]) -> None:
    network = layers()
    grouped = [id(parameter) for group in parameter_groups(network, brought, 0.1) for parameter in group["params"]]
    assert sorted(grouped) == sorted(map(id, network.parameters()))


def test_what_was_brought_rests_while_frozen_then_learns_at_its_own_rate() -> None:
    torch.manual_seed(0)
    network = nets.build("resnet", {"channels": 1, "classes": 2}).train()
    adapted = adapt_tensors(models.resnet18().state_dict(), network)
    network.load_state_dict(adapted, strict=False)
    training = Training(steps=10, batch=1, warmup=1, learning_rate=1e-3, weight_decay=0)
    optimiser = make_optimiser(parameter_groups(network, set(adapted), 0.1), training)
    recipe = type("Recipe", (), {"training": training, "network": type("Network", (), {"freeze_steps": 1})()})()

    def step(number: int) -> dict[str, float]:
        """How far each parameter went; Adam's first steps are as long as the learning rate."""
        before = {name: parameter.detach().clone() for name, parameter in network.named_parameters()}
        set_learning_rate(optimiser, recipe, number)
        network(torch.rand(2, 1, 32, 32)).square().sum().backward()
        optimiser.step()
        optimiser.zero_grad()
        return {
            name: float((parameter.detach() - before[name]).abs().max())
            for name, parameter in network.named_parameters()
        }

    frozen, thawed = step(0), step(1)

    assert {name for name, length in frozen.items() if length > 0} == {"fc.weight", "fc.bias"}
    assert all(length > 0 for length in thawed.values())
    assert thawed["conv1.weight"] < 0.3 * thawed["layer4.1.conv2.weight"] < 0.09 * thawed["fc.weight"]
