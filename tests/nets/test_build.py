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

PLAIN = {
    "input_channels": 1, "num_classes": 2, "n_stages": 2, "features_per_stage": [4, 8], "strides": [1, [2, 2, 2]],
    "conv_op": "torch.nn.modules.conv.Conv3d", "kernel_sizes": [3, 3], "n_conv_per_stage": [1, 1],
    "n_conv_per_stage_decoder": [1], "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
    "norm_op_kwargs": {"affine": True}, "nonlin": "torch.nn.LeakyReLU", "nonlin_kwargs": {"inplace": True},
}  # fmt: skip


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
        nets.build("nnunet-plain", {**PLAIN, "nonlin": "os.system"})


def test_weights_come_back_and_shared_ones_are_stored_once(tmp_path: Path) -> None:
    pytest.importorskip("dynamic_network_architectures")
    first = nets.build("nnunet-plain", PLAIN)
    unique = nets.unique_tensors(first)
    assert len(unique) < len(first.state_dict()), "this network shares modules between encoder and decoder"
    save_file(dict(unique), tmp_path / "w.safetensors")

    second = nets.load("nnunet-plain", PLAIN, tmp_path / "w.safetensors")

    for key, tensor in first.state_dict().items():
        assert torch.equal(second.state_dict()[key], tensor), key


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    tensors = dict(nets.unique_tensors(nets.build("linknet", {"features": 8})))
    del tensors["tp_conv2.bias"]
    save_file(tensors, tmp_path / "w.safetensors")
    with pytest.raises(ModelFolderError, match=r"tp_conv2\.bias"):
        nets.load("linknet", {"features": 8}, tmp_path / "w.safetensors")


def test_the_package_does_not_import_torch() -> None:
    code = "import sys, vesalius.nets, vesalius.models.folder; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
