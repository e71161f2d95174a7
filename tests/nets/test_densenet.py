"""DenseNet against torchvision's, and the published sizes."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
models = pytest.importorskip("torchvision.models")
pytest.importorskip("monai")

from vesalius import nets  # noqa: E402
from vesalius.errors import ModelFolderError  # noqa: E402


@pytest.mark.parametrize(("depth", "published"), [(121, 7_978_856), (169, 14_149_480), (201, 20_013_928)])
def test_has_the_published_number_of_parameters(depth: int, published: int) -> None:
    with torch.device("meta"):
        network = nets.build("densenet", {"channels": 3, "classes": 1000, "depth": depth})
    assert sum(parameter.numel() for parameter in network.parameters()) == published


def test_gives_torchvisions_logits_with_torchvisions_weights() -> None:
    torch.manual_seed(0)
    theirs = models.densenet121(num_classes=4).eval()
    ours = nets.build("densenet", {"channels": 3, "classes": 4})
    tensors = zip(ours.state_dict(), theirs.state_dict().values(), strict=True)  # other names, the same order
    ours.load_state_dict(dict(tensors))
    image = torch.rand(1, 3, 32, 64)
    with torch.inference_mode():
        torch.testing.assert_close(ours(image), theirs(image))


def test_for_small_images_keeps_their_size_in_the_first_block() -> None:
    network = nets.build("densenet", {"dims": 3, "small": True})
    seen = {}
    network.features.denseblock1.register_forward_hook(lambda _, __, output: seen.update(size=output.shape[2:]))
    with torch.inference_mode():
        network(torch.rand(1, 1, 8, 12, 16))
    assert seen["size"] == (8, 12, 16)


def test_a_depth_there_is_not_is_refused() -> None:
    with pytest.raises(ModelFolderError, match="121, 169, 201, not 18"):
        nets.build("densenet", {"depth": 18})
