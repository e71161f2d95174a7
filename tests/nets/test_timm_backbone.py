"""Any of timm's classifiers by its name."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
timm = pytest.importorskip("timm")

from vesalius import nets  # noqa: E402
from vesalius.errors import ModelFolderError  # noqa: E402


def test_takes_timms_weights_one_to_one() -> None:
    torch.manual_seed(0)
    theirs = timm.create_model("resnet10t", in_chans=2, num_classes=3).eval()
    ours = nets.build("timm", {"name": "resnet10t", "channels": 2, "classes": 3})
    ours.load_state_dict(theirs.state_dict())
    image = torch.rand(1, 2, 32, 64)
    with torch.inference_mode():
        torch.testing.assert_close(ours(image), theirs(image), rtol=0, atol=0)


def test_a_transformer_is_made_for_the_size_that_is_asked() -> None:
    network = nets.build("timm", {"name": "vit_tiny_patch16_224", "channels": 1, "classes": 2, "image_size": 32})
    assert network.pos_embed.shape[1] == 1 + (32 // 16) ** 2


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ModelFolderError, match="did you mean resnet10t"):
        nets.build("timm", {"name": "resnet10tt"})


def test_an_address_on_the_network_is_no_name() -> None:
    with pytest.raises(ModelFolderError, match="timm has no network"):
        nets.build("timm", {"name": "hf-hub:timm/resnet10t.c3_in1k"})
