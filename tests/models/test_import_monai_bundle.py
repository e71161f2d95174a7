"""MONAI bundles: what comes out is what MONAI makes of the same bundle."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("monai")
onnxruntime = pytest.importorskip("onnxruntime")

from monai.bundle import ConfigParser  # noqa: E402
from monai.transforms import ScaleIntensityRange  # noqa: E402

from vesalius.errors import ModelFolderError, UsageError  # noqa: E402
from vesalius.models.folder import open_model  # noqa: E402
from vesalius.models.importers import import_model  # noqa: E402

SHAPE = (1, 1, 32, 16, 24)
METADATA: dict[str, Any] = {
    "name": "Spleen CT segmentation",
    "version": "0.5.3",
    "description": "Finds the spleen.",
    "copyright": "Copyright (c) Somebody",
    "data_source": "Task09_Spleen",
    "references": ["A paper", "Another"],
    "intended_use": "Trying things out.",
    "network_data_format": {
        "inputs": {"image": {"type": "image", "modality": "CT", "num_channels": 1, "channel_def": {"0": "image"}}},
        "outputs": {"pred": {"num_channels": 2, "channel_def": {"0": "background", "1": "spleen"}}},
    },
}
WINDOW = {"a_min": -57, "a_max": 164, "b_min": -0.5, "b_max": 1.5, "clip": True}
INFERENCE: dict[str, Any] = {
    "imports": ["$import glob"],
    "bundle_root": ".",
    "device": "$torch.device('cpu')",
    "classes": 2,
    "pixdim": [1.5, 1.5, 2.0],
    "network_def": {
        "_target_": "UNet",
        "spatial_dims": 3,
        "in_channels": 1,
        "out_channels": "@classes",
        "channels": [4, 8, 16],
        "strides": [[2, 1, 2], 2],
        "kernel_size": [3, 5, 1],
        "num_res_units": 1,
        "norm": "batch",
    },
    "network": "$@network_def.to(@device)",
    "preprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "LoadImaged", "keys": "image"},
            {"_target_": "EnsureChannelFirstd", "keys": "image"},
            {"_target_": "Orientationd", "keys": "image", "axcodes": "LAS"},
            {"_target_": "Spacingd", "keys": "image", "pixdim": "@pixdim", "mode": "bilinear"},
            {"_target_": "ScaleIntensityRanged", "keys": "image", **WINDOW},
            {"_target_": "EnsureTyped", "keys": "image", "device": "@device"},
        ],
    },
    "inferer": {
        "_target_": "SlidingWindowInferer", "roi_size": [32, 16, 24], "sw_batch_size": 4, "overlap": 0.25,
        "mode": "gaussian",
    },
    "postprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "Activationsd", "keys": "pred", "softmax": True},
            {"_target_": "Invertd", "keys": "pred", "transform": "@preprocessing", "orig_keys": "image"},
            {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
        ],
    },
}  # fmt: skip


@pytest.fixture
def parts() -> tuple[dict[str, Any], dict[str, Any]]:
    return json.loads(json.dumps(METADATA)), json.loads(json.dumps(INFERENCE))


def monai_network(inference: dict[str, Any]) -> torch.nn.Module:
    """Built by MONAI's own parser."""
    torch.manual_seed(0)
    network: torch.nn.Module = ConfigParser(inference).get_parsed_content("network_def")
    with torch.no_grad():
        network.train()(torch.randn(2, *SHAPE[1:]))  # batch norm's statistics
    return network.eval()


def bundle(path: Path, metadata: dict[str, Any], inference: dict[str, Any], weights: Any = None) -> Path:
    (path / "configs").mkdir(parents=True)
    (path / "models").mkdir()
    (path / "configs" / "metadata.json").write_text(json.dumps(metadata))
    (path / "configs" / "inference.json").write_text(json.dumps(inference))
    if weights is not None:
        torch.save(weights, path / "models" / "model.pt")
    return path


def check_output(folder_path: Path, network: torch.nn.Module) -> None:
    folder = open_model(folder_path)
    image = np.random.default_rng(1).standard_normal(SHAPE, np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(image)).numpy()
    session = onnxruntime.InferenceSession(folder.file(folder.spec.network.graph))
    np.testing.assert_allclose(session.run(None, {"image": image})[0], expected, atol=1e-5)


@pytest.mark.parametrize("key", [None, "state_dict", "model"])
def test_gives_what_monai_gives(tmp_path: Path, parts: Any, key: str | None) -> None:
    metadata, inference = parts
    network = monai_network(inference)
    weights = network.state_dict() if key is None else {key: network.state_dict(), "epoch": 3}
    summary = import_model(bundle(tmp_path / "source", metadata, inference, weights), tmp_path / "ours")
    check_output(tmp_path / "ours", network)
    assert summary.ran == ("the class of 'unet' in the installed package monai",)
    assert summary.notes == ()


def test_the_description_is_translated(tmp_path: Path, parts: Any) -> None:
    metadata, inference = parts
    import_model(bundle(tmp_path / "s", metadata, inference, monai_network(inference).state_dict()), tmp_path / "ours")
    spec = open_model(tmp_path / "ours").spec
    grid = spec.network.grid
    assert grid.kind == "sliding"
    assert (grid.patch, grid.spacing, grid.overlap, grid.blend) == ((32, 16, 24), (1.5, 1.5, 2.0), 0.25, "gaussian")
    assert (spec.orientation, spec.modality, spec.version) == ("LAS", ("CT",), "0.5.3")
    assert {value: label.name for value, label in spec.labels.items()} == {1: "spleen"}
    assert (spec.uses, spec.origin.citation) == (("Trying things out.",), "A paper; Another")
    assert spec.network.threshold is None


def test_the_intensity_rule_is_monais(tmp_path: Path, parts: Any) -> None:
    metadata, inference = parts
    import_model(bundle(tmp_path / "s", metadata, inference, monai_network(inference).state_dict()), tmp_path / "ours")
    rule = open_model(tmp_path / "ours").spec.network.intensity
    assert rule.rule == "window"
    values = np.linspace(-500, 500, 101, dtype=np.float32)
    ours = (values.clip(rule.low, rule.high) - rule.mean) / rule.deviation
    np.testing.assert_allclose(ours, ScaleIntensityRange(**WINDOW)(values), atol=1e-5)


def test_normalising_by_the_nonzero_voxels(tmp_path: Path, parts: Any) -> None:
    metadata, inference = parts
    step = {"_target_": "NormalizeIntensityd", "keys": "image", "nonzero": True, "channel_wise": True}
    inference["preprocessing"]["transforms"][4] = step
    import_model(bundle(tmp_path / "s", metadata, inference, monai_network(inference).state_dict()), tmp_path / "ours")
    rule = open_model(tmp_path / "ours").spec.network.intensity
    assert rule.rule == "zscore"
    assert rule.nonzero


@pytest.mark.parametrize(("sigmoid", "threshold"), [(True, 0.0), (False, 0.5)])
def test_one_output_channel_is_thresholded(tmp_path: Path, parts: Any, sigmoid: bool, threshold: float) -> None:
    metadata, inference = parts
    inference["classes"] = 1
    inference["postprocessing"]["transforms"][0] = {"_target_": "Activationsd", "keys": "pred", "sigmoid": sigmoid}
    metadata["network_data_format"]["outputs"]["pred"] = {"num_channels": 1, "channel_def": {"0": "spleen"}}
    import_model(bundle(tmp_path / "s", metadata, inference, monai_network(inference).state_dict()), tmp_path / "ours")
    spec = open_model(tmp_path / "ours").spec
    assert spec.network.threshold == threshold
    assert {value: label.name for value, label in spec.labels.items()} == {1: "spleen"}


def test_what_is_not_translated_is_said(tmp_path: Path, parts: Any) -> None:
    metadata, inference = parts
    transforms = inference["preprocessing"]["transforms"]
    del transforms[2]
    transforms.append({"_target_": "monai.transforms.CropForegroundd", "keys": "image"})
    inference["inferer"] = {"_target_": "SimpleInferer"}
    weights = monai_network(inference).state_dict()
    notes = import_model(bundle(tmp_path / "s", metadata, inference, weights), tmp_path / "ours").notes
    assert [word for word in ("CropForegroundd", "RAS", "SlidingWindowInferer") if word in " ".join(notes)] == [
        "CropForegroundd", "RAS", "SlidingWindowInferer",
    ]  # fmt: skip


def test_a_bundle_of_torchscript_needs_consent(tmp_path: Path, parts: Any) -> None:
    metadata, inference = parts
    network = monai_network(inference)
    source = bundle(tmp_path / "source", metadata, inference)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own plans for TorchScript
        torch.jit.trace(network, torch.zeros(SHAPE)).save(source / "models" / "model.ts")
    with pytest.raises(UsageError, match="--run-foreign-code"):
        import_model(source, tmp_path / "ours")
    import_model(source, tmp_path / "ours", run_foreign_code=True)
    check_output(tmp_path / "ours", network)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m, i: i.update(classes="$1 + 1"), r"expression '\$1 \+ 1'"),
        (lambda m, i: i.update(classes="%other.json::classes"), "expression"),
        (lambda m, i: i.update(classes="@classes"), "circle"),
        (lambda m, i: i["network_def"].update(out_channels="@nowhere"), "nowhere"),
        (lambda m, i: i["network_def"].update(_target_="os.system"), r"os\.system"),
        (lambda m, i: i["network_def"].update(_target_="evil.UNet"), r"evil\.UNet"),
        (lambda m, i: i["network_def"].update(_mode_="callable"), "_mode_"),
        (lambda m, i: i["network_def"].update(spatial_dims=2), "3D"),
        (lambda m, i: i["network_def"].update(surprise=1), "surprise"),
        (lambda m, i: i["network_def"].update(channels=[4, 8, 32]), "do not fit"),
        (lambda m, i: i["inferer"].update(roi_size="$[96] * 3"), "expression"),
        (lambda m, i: i["inferer"].update(roi_size=[-1, 96, 96]), "positive"),
        (
            lambda m, i: i["postprocessing"]["transforms"][0].update(softmax=False, sigmoid=True),
            "overlapping",
        ),
        (lambda m, i: m["network_data_format"]["outputs"].clear(), "num_channels"),
    ],
)
def test_what_cannot_be_run_is_refused(tmp_path: Path, parts: Any, change: Any, message: str) -> None:
    metadata, inference = parts
    weights = monai_network(inference).state_dict()
    change(metadata, inference)
    with pytest.raises(ModelFolderError, match=message):
        import_model(bundle(tmp_path / "source", metadata, inference, weights), tmp_path / "ours")
    assert not (tmp_path / "ours").exists()


def test_missing_weights_are_named(tmp_path: Path, parts: Any) -> None:
    with pytest.raises(ModelFolderError, match=r"model\.pt"):
        import_model(bundle(tmp_path / "source", *parts), tmp_path / "ours")
