"""nnU-Net v2 results: what comes out of the imported network is what nnU-Net makes of the same image.

The expected values are derived as nnU-Net does it: the image is read through SimpleITK as (z, y, x), permuted by
`transpose_forward`, run through the network of dynamic-network-architectures, and permuted back.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

torch = pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")
unets = pytest.importorskip("dynamic_network_architectures.architectures.unet")

from vesalius import nets  # noqa: E402
from vesalius.errors import ModelFolderError  # noqa: E402
from vesalius.models.folder import open_model  # noqa: E402
from vesalius.models.golden import read_golden  # noqa: E402
from vesalius.models.importers import import_model  # noqa: E402

PATCH, SPACING = [8, 24, 16], [3.0, 0.9, 0.7]  # in the network's axes, as a plan has them
STRIDES, KERNELS = [[1, 1, 1], [1, 2, 2], [2, 2, 1]], [[1, 3, 3], [3, 3, 1], [3, 3, 3]]
CT = {"mean": 40.5, "std": 110.25, "percentile_00_5": -160.0, "percentile_99_5": 240.0, "median": 50.0}
CYCLIC = [1, 2, 0]  # not its own inverse: exchanging it for its inverse shows


def arguments(residual: bool) -> dict[str, Any]:
    return {
        "n_stages": 3,
        "features_per_stage": [4, 6, 8],
        "conv_op": "torch.nn.modules.conv.Conv3d",
        "kernel_sizes": KERNELS,
        "strides": STRIDES,
        "n_blocks_per_stage" if residual else "n_conv_per_stage": [1, 2, 1],
        "n_conv_per_stage_decoder": [1, 1],
        "conv_bias": True,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
        "norm_op_kwargs": {"eps": 1e-05, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    }


def plans(transpose: list[int], residual: bool = False) -> dict[str, Any]:
    name = "ResidualEncoderUNet" if residual else "PlainConvUNet"
    return {
        "dataset_name": "Dataset001_Test",
        "plans_name": "nnUNetPlans",
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": transpose,
        "transpose_backward": np.argsort(transpose).tolist(),
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {"0": CT},
        "configurations": {
            "3d_fullres": {
                "data_identifier": "nnUNetPlans_3d_fullres",
                "preprocessor_name": "DefaultPreprocessor",
                "patch_size": PATCH,
                "spacing": SPACING,
                "normalization_schemes": ["CTNormalization"],
                "use_mask_for_norm": [False],
                "resampling_fn_data": "resample_data_or_seg_to_shape",
                "resampling_fn_data_kwargs": {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None},
                "resampling_fn_seg": "resample_data_or_seg_to_shape",
                "resampling_fn_seg_kwargs": {"is_seg": True, "order": 1, "order_z": 0, "force_separate_z": None},
                "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
                "resampling_fn_probabilities_kwargs": {
                    "is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None,
                },
                "architecture": {
                    "network_class_name": f"dynamic_network_architectures.architectures.unet.{name}",
                    "arch_kwargs": arguments(residual),
                    "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
                },
            },
            "3d_large": {"inherits_from": "3d_fullres", "batch_size": 4},
        },
    }  # fmt: skip


DATASET = {
    "name": "Test",
    "licence": "CC0",
    "channel_names": {"0": "CT"},
    "labels": {"background": 0, "liver": 1, "tumour": 2, "ignore": 3},
    "numTraining": 1,
    "file_ending": ".nii.gz",
}


def network(residual: bool) -> torch.nn.Module:
    """With deep supervision, as nnU-Net trains and saves it."""
    torch.manual_seed(0)
    classes = {"conv_op": torch.nn.Conv3d, "norm_op": torch.nn.InstanceNorm3d, "nonlin": torch.nn.LeakyReLU}
    made = unets.ResidualEncoderUNet if residual else unets.PlainConvUNet
    net = made(input_channels=1, num_classes=3, **{**arguments(residual), **classes, "deep_supervision": True})
    net.apply(net.initialize)
    for parameter in net.parameters():
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, 1, 0.3)
    return net.eval()


def results_folder(
    path: Path, plan: dict[str, Any], weights: dict[str, Any], configuration: str = "3d_fullres"
) -> Path:
    """A folder as nnUNetTrainer.save_checkpoint and its caller leave it."""
    (path / "fold_0").mkdir(parents=True)
    (path / "plans.json").write_text(json.dumps(plan))
    (path / "dataset.json").write_text(json.dumps(DATASET))
    checkpoint = {
        "network_weights": weights,
        "optimizer_state": torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 0.01).state_dict(),
        "grad_scaler_state": None,
        "logging": {"mean_fg_dice": [np.float64(0.5)], "train_losses": [np.float32(0.1)]},
        "_best_ema": np.float64(0.5),
        "current_epoch": 1000,
        "init_args": {
            "plans": plan, "configuration": configuration, "fold": 0, "dataset_json": DATASET,
            "device": torch.device("cpu"),
        },
        "trainer_name": "nnUNetTrainer",
        "inference_allowed_mirroring_axes": (0, 1, 2),
    }  # fmt: skip
    torch.save(checkpoint, path / "fold_0" / "checkpoint_final.pth")
    return path


def image_for(transpose: list[int]) -> sitk.Image:
    """An image of the patch's size: random, so without any symmetry."""
    backward = np.argsort(transpose)
    zyx = [PATCH[axis] for axis in backward]
    image = sitk.GetImageFromArray(np.random.default_rng(2).standard_normal(zyx).astype(np.float32))
    image.SetSpacing([SPACING[axis] for axis in backward][::-1])
    return image


def as_ijk(image: sitk.Image) -> np.ndarray:
    """(I, J, K), voxel by voxel as SimpleITK indexes it."""
    array = np.empty(image.GetSize(), np.float32)
    for index in np.ndindex(*image.GetSize()):
        array[index] = image.GetPixel(*index)
    return array


def as_nnunet(net: torch.nn.Module, image: sitk.Image, transpose: list[int]) -> np.ndarray:
    """(L, z, y, x): logits at full resolution."""
    array = sitk.GetArrayFromImage(image).transpose(transpose)
    with torch.no_grad():
        logits = net(torch.from_numpy(array.copy())[None, None])[0][0].numpy()
    return logits.transpose(0, *(1 + np.argsort(transpose)))


@pytest.mark.parametrize("residual", [False, True], ids=["plain", "residual"])
@pytest.mark.parametrize("transpose", [[0, 1, 2], CYCLIC, [2, 0, 1], [0, 2, 1]], ids=str)
def test_gives_what_nnunet_gives_voxel_by_voxel(tmp_path: Path, transpose: list[int], residual: bool) -> None:
    net, image = network(residual), image_for(transpose)
    source = results_folder(tmp_path / "source", plans(transpose, residual), net.state_dict())

    summary = import_model(source, tmp_path / "ours")

    folder = open_model(tmp_path / "ours")
    expected = as_nnunet(net, image, transpose)
    voxels = as_ijk(image)
    session = onnxruntime.InferenceSession(folder.file(folder.spec.network.graph))
    (logits,) = session.run(None, {"image": voxels[None, None]})
    scale = float(np.abs(expected).max())
    assert scale > 0.1
    for label in range(3):
        ours = sitk.GetImageFromArray(expected[label])
        np.testing.assert_allclose(logits[0, label], as_ijk(ours), atol=1e-4 * scale)
    assert summary.difference <= 1e-3 * scale

    spec = folder.spec.network
    module = nets.load(spec.net, spec.arguments, folder.file(spec.weights))
    with torch.no_grad():
        np.testing.assert_allclose(module(torch.from_numpy(voxels[None, None])).numpy(), logits, atol=1e-4 * scale)


@pytest.mark.parametrize("transpose", [[0, 1, 2], CYCLIC], ids=str)
def test_patch_and_spacing_are_the_images(tmp_path: Path, transpose: list[int]) -> None:
    source = results_folder(tmp_path / "source", plans(transpose), network(False).state_dict())
    import_model(source, tmp_path / "ours")
    image, grid = image_for(transpose), open_model(tmp_path / "ours").spec.network.grid
    assert grid.kind == "sliding"
    assert grid.patch == image.GetSize()
    assert grid.spacing == pytest.approx(image.GetSpacing())
    assert (grid.overlap, grid.blend) == (0.5, "gaussian")


def test_the_rest_of_the_plan_is_kept(tmp_path: Path) -> None:
    source = results_folder(tmp_path / "source", plans([0, 1, 2]), network(False).state_dict(), "3d_large")
    summary = import_model(source, tmp_path / "ours", name="Liver & Tumour")
    spec = open_model(tmp_path / "ours").spec
    assert spec.name == "liver-tumour"
    assert {value: label.name for value, label in spec.labels.items()} == {1: "liver", 2: "tumour"}
    rule = spec.network.intensity
    assert rule.rule == "window"
    assert (rule.low, rule.high, rule.mean, rule.deviation) == (-160, 240, 40.5, 110.25)
    assert (spec.channels, spec.modality, spec.origin.licence) == (("CT",), ("CT",), "CC0")
    assert spec.orientation == "LPS"
    assert any("orientation" in note for note in summary.notes)
    assert "dynamic-network-architectures" in summary.ran[0]


def test_a_plan_from_before_nnunet_2_4(tmp_path: Path) -> None:
    plan = plans([0, 1, 2])
    configuration = plan["configurations"]["3d_fullres"]
    del configuration["architecture"]
    configuration |= {
        "UNet_class_name": "PlainConvUNet", "UNet_base_num_features": 4, "unet_max_num_features": 6,
        "n_conv_per_stage_encoder": [1, 2, 1], "n_conv_per_stage_decoder": [1, 1],
        "conv_kernel_sizes": KERNELS, "pool_op_kernel_sizes": STRIDES, "num_pool_per_axis": [1, 2, 1],
    }  # fmt: skip
    classes = {"conv_op": torch.nn.Conv3d, "norm_op": torch.nn.InstanceNorm3d, "nonlin": torch.nn.LeakyReLU}
    made = {**arguments(False), **classes, "features_per_stage": [4, 6, 6], "deep_supervision": False}
    net = unets.PlainConvUNet(input_channels=1, num_classes=3, **made).eval()
    import_model(results_folder(tmp_path / "source", plan, net.state_dict()), tmp_path / "ours")
    folder = open_model(tmp_path / "ours")
    golden = read_golden(folder, folder.spec.network)
    with torch.no_grad():
        zyx = net(torch.from_numpy(golden.input.transpose(0, 1, 4, 3, 2).copy())).numpy()
    np.testing.assert_allclose(zyx.transpose(0, 1, 4, 3, 2), golden.output, atol=1e-4)


def test_the_same_with_nnunets_own_predictor(tmp_path: Path) -> None:
    """Preprocessing, sliding window and all, by nnU-Net itself, where it is installed."""
    predictor_module = pytest.importorskip("nnunetv2.inference.predict_from_raw_data")
    plan = plans(CYCLIC)
    plan["configurations"]["3d_fullres"]["normalization_schemes"] = ["NoNormalization"]
    source = results_folder(tmp_path / "source", plan, network(False).state_dict())
    predictor = predictor_module.nnUNetPredictor(
        use_gaussian=False, use_mirroring=False, perform_everything_on_device=False, device=torch.device("cpu")
    )
    predictor.initialize_from_trained_model_folder(str(source), (0,))
    image = image_for(CYCLIC)
    array = sitk.GetArrayFromImage(image)[None]
    properties = {"spacing": list(image.GetSpacing())[::-1]}
    _, expected = predictor.predict_single_npy_array(array, properties, None, None, True)

    import_model(source, tmp_path / "ours")
    folder = open_model(tmp_path / "ours")
    session = onnxruntime.InferenceSession(folder.file(folder.spec.network.graph))
    (logits,) = session.run(None, {"image": as_ijk(image)[None, None]})
    ours = np.exp(logits[0]) / np.exp(logits[0]).sum(axis=0)
    np.testing.assert_allclose(ours, expected.transpose(0, 3, 2, 1), atol=5e-3)  # it sums tiles in half precision


class Malicious:
    """Writes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.marker, "ran")


def test_a_checkpoint_with_code_in_it_is_refused_and_does_not_run(tmp_path: Path) -> None:
    source = results_folder(tmp_path / "source", plans([0, 1, 2]), {"a": Malicious(tmp_path / "marker")})
    with pytest.raises(ModelFolderError, match="not unpickled"):
        import_model(source, tmp_path / "ours")
    assert not (tmp_path / "marker").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["source"], "nothing half-written"


def refused(change: Any, tmp_path: Path, message: str) -> None:
    plan = plans([0, 1, 2])
    dataset = json.loads(json.dumps(DATASET))
    change(plan, plan["configurations"]["3d_fullres"], dataset)
    source = results_folder(tmp_path / "source", plan, network(False).state_dict())
    (source / "dataset.json").write_text(json.dumps(dataset))
    with pytest.raises(ModelFolderError, match=message):
        import_model(source, tmp_path / "ours")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda plan, configuration, dataset: configuration.update(patch_size=[32, 32]), "2D"),
        (lambda plan, configuration, dataset: configuration.update(previous_stage="3d_lowres"), "cascade"),
        (lambda plan, configuration, dataset: configuration.update(inherits_from="3d_fullres"), "circle"),
        (lambda plan, configuration, dataset: configuration.pop("spacing"), "spacing"),
        (lambda plan, configuration, dataset: plan.pop("transpose_forward"), "transpose_forward"),
        (lambda plan, configuration, dataset: configuration.update(normalization_schemes=["Rescale"]), "Rescale"),
        (
            lambda plan, configuration, dataset: configuration["architecture"].update(network_class_name="os.system"),
            "'system' is not known",
        ),
        (
            lambda plan, configuration, dataset: configuration["architecture"]["arch_kwargs"].update(
                nonlin="os.system"
            ),
            r"os\.system",
        ),
        (
            lambda plan, configuration, dataset: configuration["architecture"]["arch_kwargs"].update(n_stages=4),
            "does not take",
        ),
        (
            lambda plan, configuration, dataset: configuration["architecture"]["arch_kwargs"].update(
                features_per_stage=[4, 6, 16]
            ),
            "do not fit",
        ),
        (lambda plan, configuration, dataset: dataset["labels"].update(whole=[1, 2]), "regions"),
        (lambda plan, configuration, dataset: dataset["labels"].update(tumour=5), "without gaps"),
    ],
)
def test_what_cannot_be_run_is_refused(tmp_path: Path, change: Any, message: str) -> None:
    refused(change, tmp_path, message)


def test_an_unfinished_training_is_named(tmp_path: Path) -> None:
    source = results_folder(tmp_path / "source", plans([0, 1, 2]), {})
    (source / "fold_0" / "checkpoint_final.pth").unlink()
    with pytest.raises(ModelFolderError, match="finished"):
        import_model(source, tmp_path / "ours")
