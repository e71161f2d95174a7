"""The vision transformer against timm's and the published size."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
timm = pytest.importorskip("timm")

from vesalius import nets  # noqa: E402
from vesalius.errors import ModelFolderError  # noqa: E402

SMALL = {"width": 24, "depth": 2, "heads": 3, "patch": 8}


def test_is_the_published_base_network_unless_said_otherwise() -> None:
    with torch.device("meta"):
        network = nets.build("vit", {"size": [224, 224], "channels": 3, "classes": 1000})
    assert sum(parameter.numel() for parameter in network.parameters()) == 86_567_656


def test_in_2d_takes_timms_weights_one_to_one() -> None:
    torch.manual_seed(0)
    theirs = timm.models.VisionTransformer((16, 40), 8, 2, 5, embed_dim=24, depth=2, num_heads=3).eval()
    ours = nets.build("vit", {**SMALL, "size": [16, 40], "channels": 2, "classes": 5})
    ours.load_state_dict(theirs.state_dict())
    image = torch.rand(2, 2, 16, 40)
    with torch.inference_mode():
        torch.testing.assert_close(ours(image), theirs(image), rtol=0, atol=0)


def test_in_3d_has_cubes_for_patches() -> None:
    network = nets.build("vit", {**SMALL, "size": [8, 16, 24]})
    assert network.patch_embed.proj.weight.shape == (24, 1, 8, 8, 8)
    assert network.pos_embed.shape == (1, 1 + 1 * 2 * 3, 24), "one position a patch, and the class token's"


def test_a_patch_is_seen_at_its_own_position() -> None:
    torch.manual_seed(0)
    network = nets.build("vit", {**SMALL, "size": [8, 16, 24]})
    image = torch.zeros(1, 1, 8, 16, 24)
    image[..., 8:16, 16:24] = 1
    with torch.inference_mode():
        changed = (network.patch_embed(image) != network.patch_embed(torch.zeros_like(image))).any(-1)[0]
    assert changed.tolist() == [False, False, False, False, False, True], "row 1 of 2, column 2 of 3"


@pytest.mark.parametrize("size", [[16], [16, 20], [16, 16, 16, 16]])
def test_a_size_that_is_not_whole_patches_is_refused(size: list[int]) -> None:
    with pytest.raises(ModelFolderError, match="multiples of the patch's edge of 8"):
        nets.build("vit", {**SMALL, "size": size})
