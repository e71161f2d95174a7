"""What every network of the table has to do: keep sizes, learn with every parameter, run as a graph without torch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
for library in ("monai", "timm", "torchvision", "onnx", "dynamic_network_architectures"):
    pytest.importorskip(library)

from tiny_networks import ALL, CHANNELS, CLASSES, CLASSIFICATION, RECONSTRUCTION, SEGMENTATION  # noqa: E402
from vesalius import nets  # noqa: E402
from vesalius.models.graph import trace, write_graph, write_tensors  # noqa: E402
from vesalius.models.store import run_graph  # noqa: E402
from vesalius.nets.cost import cost  # noqa: E402

#: seconds each, for they are large by their nature, or slow to trace
SLOW = {"densenet 3D", "deeplab 3D", "swin-unetr 3D", "vnet 3D"}
#: in train mode they score every level, of these sizes in proportion to the image
SUPERVISED = {"deeply-supervised": [1, 1, 1], "unet-plus-plus": [1, 1, 1, 1], "residual-unet": [1, 2]}
SUPERVISED |= {"nnunet-plain": [1, 2], "nnunet-residual": [1, 2]}
#: window attention and learned positions know one size
ONE_SIZE = ("swin-unetr", "unetr", "vit")
#: layer norms that MONAI's blocks make and never call
UNUSED = "norm_cross_attn"


def some(keys: Iterable[str]) -> list[object]:
    return [pytest.param(key, marks=pytest.mark.slow if key in SLOW else ()) for key in keys]


def outputs(scores: torch.Tensor | tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    return scores if isinstance(scores, tuple) else (scores,)


def test_every_name_is_tried_here() -> None:
    assert {tiny.name for tiny in ALL.values()} == set(nets.NAMES)


@pytest.mark.parametrize("key", some(SEGMENTATION))
def test_a_segmentation_has_the_size_of_its_image(key: str) -> None:
    tiny = SEGMENTATION[key]
    with torch.inference_mode():
        assert tiny.build()(tiny.image()).shape == (2, CLASSES, *tiny.size)


@pytest.mark.parametrize("key", some(CLASSIFICATION))
def test_a_classification_is_one_score_a_class(key: str) -> None:
    tiny = CLASSIFICATION[key]
    with torch.inference_mode():
        assert tiny.build()(tiny.image()).shape == (2, CLASSES)


@pytest.mark.parametrize("key", RECONSTRUCTION)
def test_a_reconstruction_has_the_shape_of_its_image(key: str) -> None:
    tiny = RECONSTRUCTION[key]
    with torch.inference_mode():
        assert tiny.build()(tiny.image()).shape == tiny.image().shape


@pytest.mark.parametrize("key", some(ALL))
def test_the_gradient_reaches_every_parameter_and_every_level_is_scored(key: str) -> None:
    tiny = ALL[key]
    network = tiny.build().train()

    levels = outputs(network(tiny.image()))

    expected = [tuple(n // factor for n in tiny.size) for factor in SUPERVISED.get(tiny.name, [])]
    assert [tuple(level.shape[2:]) for level in levels] == expected or (len(levels) == 1 and not expected)
    torch.stack([(level * torch.randn_like(level)).sum() for level in levels]).sum().backward()
    for name, parameter in network.named_parameters():
        if UNUSED not in name:
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name
            # the gradient of a bias before a norm is 0
            assert parameter.ndim == 1 or parameter.grad.any(), name


@pytest.mark.parametrize("key", some(ALL))
def test_the_cost_is_counted_without_running_it(key: str) -> None:
    tiny = ALL[key]
    network = tiny.build()
    found = cost(network, (1, CHANNELS, *tiny.size))
    assert found.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert found.flops > 0
    assert {parameter.device.type for parameter in network.parameters()} == {"cpu"}, "the network itself stays"


@pytest.mark.parametrize("key", some([*SEGMENTATION, *RECONSTRUCTION]))
def test_the_graph_of_a_segmentation_gives_torchs_values(key: str, tmp_path: Path) -> None:
    check_graph(key, tmp_path)


@pytest.mark.parametrize("key", some(CLASSIFICATION))
def test_the_graph_of_a_classification_gives_torchs_values(key: str, tmp_path: Path) -> None:
    check_graph(key, tmp_path)


def check_graph(key: str, folder: Path) -> None:
    """Traced on one image, run on two, and where the network has no size of its own on another size."""
    tiny = ALL[key]
    network, images = tiny.build_5d(), tiny.image_5d()
    weights = folder / "network.safetensors"
    write_tensors({name: tensor.numpy() for name, tensor in nets.unique_tensors(network).items()}, weights)
    names = list(network.state_dict())
    write_graph(trace(network, tuple(images[:1].shape)), folder / "network.onnx", weights)
    assert list(network.state_dict()) == names, "tracing leaves nothing behind"

    turned = (images,) if tiny.name in ONE_SIZE else (images, images[:1].transpose(2, 3))
    for image in turned:
        with torch.inference_mode():
            expected = network(image).numpy()
        found = run_graph(folder / "network.onnx", image.numpy())
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
