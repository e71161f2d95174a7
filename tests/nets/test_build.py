"""The name table: what it builds, what it refuses, what it imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import save_file

from vesalius import nets
from vesalius.errors import ModelFolderError

torch = pytest.importorskip("torch")

SIZE = (64, 32, 32)
SMALL = {"in_channels": 1, "out_channels": 2}
ARGUMENTS = {
    "attention-unet": {**SMALL, "spatial_dims": 3, "channels": [4, 8], "strides": [2, 2]},
    "basic-unet": {**SMALL, "spatial_dims": 3, "features": [4, 4, 8, 8, 16, 4]},
    "dynunet": {
        **SMALL, "spatial_dims": 3, "kernel_size": [3, 3, 3], "strides": [1, 2, 2], "upsample_kernel_size": [2, 2],
        "filters": [4, 8, 8], "norm_name": ["INSTANCE", {"affine": True}],
    },
    "linknet": {**SMALL, "features": 8},
    "segresnet": {**SMALL, "spatial_dims": 3, "init_filters": 8},
    "swin-unetr": {**SMALL, "feature_size": 12},
    "unet": {**SMALL, "spatial_dims": 3, "channels": [4, 8], "strides": [2]},
    "unetr": {**SMALL, "img_size": [64, 32, 32], "hidden_size": 24, "mlp_dim": 48, "num_heads": 3, "feature_size": 4},
    "vnet": {**SMALL, "spatial_dims": 3},
}  # fmt: skip


def nnunet(blocks: str) -> dict[str, object]:
    return {
        "input_channels": 1, "num_classes": 2, "n_stages": 2, "features_per_stage": [4, 8], "strides": [1, [2, 2, 2]],
        "conv_op": "torch.nn.modules.conv.Conv3d", "kernel_sizes": [3, 3], blocks: [1, 1],
        "n_conv_per_stage_decoder": [1], "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
        "norm_op_kwargs": {"affine": True}, "nonlin": "torch.nn.LeakyReLU", "nonlin_kwargs": {"inplace": True},
    }  # fmt: skip


ARGUMENTS["nnunet-plain"] = nnunet("n_conv_per_stage")
ARGUMENTS["nnunet-residual"] = nnunet("n_blocks_per_stage")


def test_every_name_is_tried_here() -> None:
    assert set(ARGUMENTS) == set(nets.NAMES)


@pytest.mark.slow
@pytest.mark.parametrize("name", nets.NAMES)
def test_builds_from_plain_data_and_keeps_the_size(name: str) -> None:
    if name.startswith("nnunet"):
        pytest.importorskip("dynamic_network_architectures")
    elif name != "linknet":
        pytest.importorskip("monai")
    network = nets.build(name, ARGUMENTS[name])
    assert not network.training
    with torch.no_grad():
        assert network(torch.rand(1, 1, *SIZE)).shape == (1, 2, *SIZE)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ModelFolderError, match="did you mean linknet"):
        nets.build("linknett", {})


@pytest.mark.parametrize("arguments", [{"depth": 3}, {"features": "many"}])
def test_wrong_arguments_are_named(arguments: dict[str, object]) -> None:
    with pytest.raises(ModelFolderError, match=next(iter(arguments))):
        nets.build("linknet", arguments)


def test_a_class_outside_the_table_is_not_imported() -> None:
    pytest.importorskip("dynamic_network_architectures")
    with pytest.raises(ModelFolderError, match=r"os\.system"):
        nets.build("nnunet-plain", {**ARGUMENTS["nnunet-plain"], "nonlin": "os.system"})


def test_weights_come_back_and_shared_ones_are_stored_once(tmp_path: Path) -> None:
    pytest.importorskip("dynamic_network_architectures")
    first = nets.build("nnunet-plain", ARGUMENTS["nnunet-plain"])
    unique = nets.unique_tensors(first)
    assert len(unique) < len(first.state_dict()), "this network shares modules between encoder and decoder"
    save_file(dict(unique), tmp_path / "w.safetensors")

    second = nets.load("nnunet-plain", ARGUMENTS["nnunet-plain"], tmp_path / "w.safetensors")

    for key, tensor in first.state_dict().items():
        assert torch.equal(second.state_dict()[key], tensor), key


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    tensors = dict(nets.unique_tensors(nets.build("linknet", ARGUMENTS["linknet"])))
    del tensors["tp_conv2.bias"]
    save_file(tensors, tmp_path / "w.safetensors")
    with pytest.raises(ModelFolderError, match=r"tp_conv2\.bias"):
        nets.load("linknet", ARGUMENTS["linknet"], tmp_path / "w.safetensors")


def test_the_package_does_not_import_torch() -> None:
    code = "import sys, vesalius.nets, vesalius.models.folder; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
