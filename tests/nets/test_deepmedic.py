"""DeepMedic: two pathways with their own reach, joined voxel on voxel."""

from __future__ import annotations

from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch")

from vesalius import nets  # noqa: E402
from vesalius.errors import ModelFolderError  # noqa: E402
from vesalius.nets.deepmedic import DeepMedic  # noqa: E402

WIDTHS = [30, 30, 40, 40, 40, 40, 50, 50]  # Kamnitsas 2017


def test_has_the_papers_convolutions() -> None:
    """Eight of 3³ in each of two pathways, two of 150 channels, the scores; of BRATS' four channels, five classes."""
    network = nets.build("deepmedic", {"channels": 4, "classes": 5})
    pathway = sum(27 * before * width for before, width in zip([4, *WIDTHS], WIDTHS, strict=False))
    projections = 30 * 40 + 40 * 50  # where a residual connection changes the channels
    norms = 2 * sum(WIDTHS)
    joined = 100 * 150 + 150 + 150 * 150 + 150 + 150 * 5 + 5
    found = sum(parameter.numel() for parameter in network.parameters())
    assert found == 2 * (pathway + projections + norms) + joined


def test_a_pathway_sees_17_voxels_and_the_coarse_one_three_times_as_far() -> None:
    network = DeepMedic(2, 1, 2, widths=[2] * 8, fused=4).eval()
    for module in network.modules():  # norms and activations aside, which would spread or stop the gradient
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.ones_(module.weight)
        elif isinstance(module, torch.nn.InstanceNorm2d | torch.nn.LeakyReLU):
            module.forward = lambda features: features

    def reach(pathway: Callable[[torch.Tensor], torch.Tensor], size: int) -> int:
        image = torch.zeros(1, 1, size, size, requires_grad=True)
        features = pathway(image)
        middle = features.shape[2] // 2
        (gradient,) = torch.autograd.grad(features[0, 0, middle, middle], image)
        return len(set(torch.nonzero(gradient[0, 0])[:, 0].tolist()))

    assert reach(network.fine, 41) == 17
    assert reach(lambda image: network.coarse[0](network._pooled(image, 3)), 123) == 3 * 17


@pytest.mark.parametrize("size", [(9, 12), (10, 14), (8, 9, 11)])
def test_coarse_features_come_back_to_where_they_were(size: tuple[int, ...]) -> None:
    """A ramp averaged over blocks and brought back is the same ramp, but for the half blocks at the border."""
    network = DeepMedic(len(size), 1, 2, widths=[2, 2], fused=2)
    for axis in range(len(size)):
        shape = [1] * (2 + len(size))
        shape[2 + axis] = -1
        ramp = torch.arange(float(size[axis])).reshape(shape).expand(1, 1, *size)
        back = network._back(network._pooled(ramp, 3), 3, ramp)
        assert back.shape == ramp.shape
        whole = size[axis] // 3 * 3
        inside = (slice(None),) * (2 + axis) + (slice(1, whole - 1),)
        torch.testing.assert_close(back[inside], ramp[inside])


def test_an_odd_number_of_layers_is_refused() -> None:
    with pytest.raises(ModelFolderError, match="in pairs"):
        nets.build("deepmedic", {"widths": [4, 4, 4]})
