"""nnU-Net's networks from plain data against its authors' classes."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
unets = pytest.importorskip("dynamic_network_architectures.architectures.unet")

from vesalius import nets  # noqa: E402


def plan(dims: int) -> dict[str, object]:
    """As nnU-Net writes it."""
    return {
        "input_channels": 2, "num_classes": 3, "n_stages": 3, "features_per_stage": [8, 16, 24],
        "conv_op": f"torch.nn.modules.conv.Conv{dims}d", "kernel_sizes": [[3] * dims] * 3,
        "strides": [[1] * dims, [2] * dims, [2] * dims], "n_blocks_per_stage": [1, 2, 2],
        "n_conv_per_stage_decoder": [1, 1], "conv_bias": True, "dropout_op": None, "dropout_op_kwargs": None,
        "norm_op": f"torch.nn.modules.instancenorm.InstanceNorm{dims}d",
        "norm_op_kwargs": {"eps": 1e-5, "affine": True},
        "nonlin": "torch.nn.LeakyReLU", "nonlin_kwargs": {"inplace": True},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("dims", "conv", "norm"),
    [(2, torch.nn.Conv2d, torch.nn.InstanceNorm2d), (3, torch.nn.Conv3d, torch.nn.InstanceNorm3d)],
)
def test_is_what_its_authors_build(dims: int, conv: type, norm: type) -> None:
    torch.manual_seed(0)
    classes = {"conv_op": conv, "norm_op": norm, "nonlin": torch.nn.LeakyReLU}
    theirs = unets.ResidualEncoderUNet(**{**plan(dims), **classes}, deep_supervision=True)
    ours = nets.build("nnunet-residual", {**plan(dims), "deep_supervision": True})
    ours.load_state_dict(theirs.state_dict())
    image = torch.rand(1, 2, *((16, 24, 32)[:dims]))
    with torch.inference_mode():
        expected, single, found = theirs(image), ours(image), ours.train()(image)
    assert isinstance(found, tuple)
    assert len(expected) == len(found) == 2
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)
    torch.testing.assert_close(single, expected[0])


def test_without_deep_supervision_train_mode_gives_one_tensor_too() -> None:
    network = nets.build("nnunet-residual", plan(2)).train()
    assert isinstance(network(torch.rand(1, 2, 16, 24)), torch.Tensor)


def test_starts_with_residual_branches_that_add_nothing() -> None:
    """As nnU-Net does: the last norm of each block is 0, so that at first a block passes its input on."""
    network = nets.build("nnunet-residual", plan(3))
    scales = [tensor for name, tensor in network.encoder.named_parameters() if name.endswith("conv2.norm.weight")]
    assert len(scales) == 5
    assert not any(scale.any() for scale in scales)
