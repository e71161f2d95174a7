"""The autoencoder: all that it gives back went through its deepest level."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from vesalius import nets  # noqa: E402

SMALL = {"width": 4, "depth": 3, "strides": [[2, 2, 1], 2]}


def test_its_encoder_is_that_of_the_residual_unet() -> None:
    encoder = nets.build("autoencoder", {**SMALL, "channels": 2}).encoder
    other = nets.build("residual-unet", {**SMALL, "channels": 2, "classes": 5}).encoder
    assert {key: tensor.shape for key, tensor in encoder.state_dict().items()} == {
        key: tensor.shape for key, tensor in other.state_dict().items()
    }


def test_no_other_name_fits_a_segmentation() -> None:
    mine = nets.build("autoencoder", SMALL).state_dict().keys()
    others = nets.build("residual-unet", SMALL).state_dict().keys()
    assert all(key.startswith("encoder.") for key in mine & others)


def test_without_its_deepest_level_nothing_of_the_image_is_left() -> None:
    torch.manual_seed(0)
    network = nets.build("autoencoder", SMALL)
    network.encoder.levels[-1].register_forward_hook(lambda _, __, output: torch.zeros_like(output))
    with torch.inference_mode():
        one, other = network(torch.rand(1, 1, 8, 8, 8)), network(torch.rand(1, 1, 8, 8, 8))
    assert torch.equal(one, other)


def test_it_learns_to_restore_what_is_masked() -> None:
    """A chequerboard of four voxels a side, half of it hidden: what is hidden follows from what is seen."""
    from vesalius.nets.masking import masked

    torch.manual_seed(0)
    i, j = torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij")
    image = (((i // 4 + j // 4) % 2) * 2.0 - 1)[None, None, :, :, None]
    network = nets.build("autoencoder", {"dims": 2, "width": 8, "depth": 3}).train()
    optimiser = torch.optim.AdamW(network.parameters(), 1e-2)
    losses = []
    for _ in range(40):
        optimiser.zero_grad()
        loss = (network(masked(image, 0.5, 4)[..., 0]) - image[..., 0]).square().mean()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.1 < 0.5 < losses[0], "leaving the hidden half at 0 would cost 0.5"
