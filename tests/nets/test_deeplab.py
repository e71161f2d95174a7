"""DeepLabv3+: the encoder is torchvision's, dilation keeps what it computes, the head is the paper's."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
models = pytest.importorskip("torchvision.models")

from vesalius import nets  # noqa: E402
from vesalius.nets.deeplab import AtrousPyramid, DeepLab, Encoder  # noqa: E402
from vesalius.nets.resnet import resnet  # noqa: E402


def test_the_encoder_is_torchvisions_dilated_resnet() -> None:
    torch.manual_seed(0)
    theirs = models.resnet50(replace_stride_with_dilation=[False, False, True]).eval()
    ours = Encoder(2, 3, 50).eval()
    ours.load_state_dict({key: tensor for key, tensor in theirs.state_dict().items() if not key.startswith("fc.")})
    image = torch.rand(1, 3, 64, 96)
    stages = torch.nn.Sequential(*list(theirs.children())[:-2])
    with torch.inference_mode():
        torch.testing.assert_close(ours(image)[0], stages(image))


@pytest.mark.parametrize(("dims", "size"), [(2, (64, 97)), (3, (33, 17, 48))])
def test_dilation_leaves_every_second_voxel_as_the_stride_had_it(dims: int, size: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    strided = resnet(dims, 1, 1, 18).eval()
    dilated = Encoder(dims, 1, 18).eval()
    dilated.load_state_dict(strided.state_dict(), strict=False)
    image = torch.randn(1, 1, *size)
    with torch.inference_mode():
        coarse = torch.nn.Sequential(*list(strided.children())[:-2])(image)
        fine, detail = dilated(image)
    assert fine.shape[2:] == tuple(-(-n // 16) for n in size)
    assert detail.shape[2:] == tuple(-(-n // 4) for n in size)
    torch.testing.assert_close(fine[(..., *(slice(None, None, 2),) * dims)], coarse)


def test_the_pyramid_sees_as_far_as_its_rates_and_the_whole_image() -> None:
    torch.manual_seed(0)
    pyramid = AtrousPyramid(2, 4, [2, 5]).eval()
    features = torch.rand(1, 4, 15, 15, requires_grad=True)
    reach = [torch.autograd.grad(branch(features)[0, :, 7, 7].sum(), features)[0] for branch in pyramid.branches]
    rows = [sorted({int(row) for row in torch.nonzero(gradient[0].sum((0, 2)))}) for gradient in reach]
    assert rows == [[7], [5, 7, 9], [2, 7, 12]]
    whole = pyramid.whole(features.mean((2, 3), keepdim=True))
    joined = torch.cat([*(branch(features) for branch in pyramid.branches), whole.expand(-1, -1, 15, 15)], 1)
    torch.testing.assert_close(pyramid(features), pyramid.project(joined))


def test_has_the_published_number_of_parameters() -> None:
    """59.34 million on ResNet-101 for PASCAL's 21 classes, as in the PyTorch implementations of the paper."""
    with torch.device("meta"):
        network = nets.build("deeplab", {"depth": 101, "channels": 3, "classes": 21})
    encoder = models.ResNet101_Weights.IMAGENET1K_V2.meta["num_params"] - (2048 * 1000 + 1000)
    pyramid = (2048 + 3 * 9 * 2048 + 5 * 256) * 256 + 5 * 2 * 256 + 2048 * 256 + 256
    decoder = 256 * 48 + 2 * 48 + 9 * 304 * 256 + 2 * 256 + 9 * 256 * 256 + 2 * 256 + 256 * 21 + 21
    found = sum(parameter.numel() for parameter in network.parameters())
    assert found == encoder + pyramid + decoder
    assert found == pytest.approx(59.34e6, abs=0.005e6)


def test_one_image_can_be_trained_on() -> None:
    """The mean of the whole image is one voxel a channel, of which batch norm would leave nothing."""
    network = DeepLab(2, 1, 2).train()
    assert torch.isfinite(network(torch.rand(1, 1, 32, 48))).all()
