"""ResNet against torchvision's in 2D and MONAI's in 3D."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
models = pytest.importorskip("torchvision.models")

from vesalius import nets  # noqa: E402
from vesalius.errors import ModelFolderError  # noqa: E402


def count(**arguments: int) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in nets.build("resnet", arguments).parameters())


@pytest.mark.parametrize(("depth", "published"), [(18, 11_689_512), (34, 21_797_672), (50, 25_557_032)])
def test_has_the_published_number_of_parameters(depth: int, published: int) -> None:
    assert count(depth=depth, channels=3, classes=1000) == published


def test_in_3d_has_those_of_r3d_and_a_deeper_first_kernel() -> None:
    r3d = models.video.R3D_18_Weights.KINETICS400_V1.meta["num_params"]
    assert count(dims=3, channels=3, classes=400) == r3d + 64 * 3 * (7 - 3) * 7 * 7


def test_takes_torchvisions_weights_one_to_one() -> None:
    torch.manual_seed(0)
    theirs = models.resnet18(num_classes=5).eval()
    ours = nets.build("resnet", {"channels": 3, "classes": 5})
    ours.load_state_dict(theirs.state_dict())
    image = torch.rand(2, 3, 48, 80)
    with torch.inference_mode():
        torch.testing.assert_close(ours(image), theirs(image), rtol=0, atol=0)


def test_in_3d_gives_what_monais_gives_with_the_same_weights() -> None:
    monai = pytest.importorskip("monai.networks.nets")
    torch.manual_seed(0)
    theirs = monai.resnet18(
        n_input_channels=2, num_classes=3, conv1_t_stride=2, shortcut_type="B", bias_downsample=False
    ).eval()
    ours = nets.build("resnet", {"dims": 3, "channels": 2, "classes": 3})
    ours.load_state_dict(theirs.state_dict())
    image = torch.rand(1, 2, 24, 40, 32)
    with torch.inference_mode():
        torch.testing.assert_close(ours(image), theirs(image))


def test_for_small_images_keeps_their_size_up_to_the_second_stage() -> None:
    network = nets.build("resnet", {"small": True})
    seen = {}
    network.layer1.register_forward_hook(lambda _, __, output: seen.update(size=output.shape[2:]))
    with torch.inference_mode():
        network(torch.rand(1, 1, 28, 20))
    assert seen["size"] == (28, 20)


@pytest.mark.parametrize("wrong", [{"depth": 19}, {"dims": 1}])
def test_what_there_is_not_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ModelFolderError, match=r"18, 34, 50, 101 or 152 and dims 2 or 3"):
        nets.build("resnet", wrong)
