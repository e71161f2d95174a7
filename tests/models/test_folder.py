"""Model folders: found, checked, and refused when anything is wrong with them."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from vesalius.errors import ModelFolderError, UnknownModelError
from vesalius.models.folder import open_model, record, shipped
from vesalius.models.golden import GoldenCase, read_golden, write_golden

BRAIN = open_model("brain").path


@pytest.fixture
def brain(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BRAIN, tmp_path / "brain"))


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    spec = json.loads((folder / "model.json").read_text())
    change(spec)
    (folder / "model.json").write_text(json.dumps(spec))
    return folder


def test_a_model_is_found_by_name_by_folder_and_by_its_model_json(brain: Path) -> None:
    assert "brain" in shipped()
    for given in ("brain", brain, str(brain), brain / "model.json"):
        assert open_model(given).spec.name == "brain"
    assert open_model("brain").path == BRAIN


def test_a_plain_name_means_the_shipped_model(brain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(brain.parent)
    assert open_model("brain").path == BRAIN
    assert open_model("./brain").path.resolve() == brain


def test_an_unknown_name_is_answered_with_the_names() -> None:
    with pytest.raises(UnknownModelError, match=r"'brian'.*brain"):
        open_model("brian")


def test_a_folder_without_model_json_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match=r"model\.json"):
        open_model(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda spec: spec.update(format=2), "format 2.*upgrade"),
        (lambda spec: spec.update(surprise=1), "surprise"),
        (lambda spec: spec.pop("network"), "network"),
        (lambda spec: spec["network"].update(weights="../outline.safetensors"), r"network\.weights"),
        (lambda spec: spec["network"].update(graph="/etc/passwd"), r"network\.graph"),
        (lambda spec: spec["network"].update(golden=".hidden"), r"network\.golden"),
        (lambda spec: spec["network"]["grid"].update(size=[256, 256, 0]), r"grid\.whole\.size"),
        (lambda spec: spec["labels"].update({"0": spec["labels"]["1"]}), "numbered from 1"),
        (lambda spec: spec["plausibility"].update(liver={}), "liver"),
    ],
)
def test_a_wrong_model_json_says_where(brain: Path, change: Callable[[dict[str, Any]], object], message: str) -> None:
    with pytest.raises(ModelFolderError, match=message):
        open_model(edit(brain, change))


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe\x00", b"[]"])
def test_a_model_json_that_is_no_json_object(brain: Path, content: bytes) -> None:
    (brain / "model.json").write_bytes(content)
    with pytest.raises(ModelFolderError, match=r"model\.json"):
        open_model(brain)


@pytest.mark.parametrize(
    ("altered", "asked"),
    [
        ("outline.safetensors", "outline.safetensors"),
        ("outline.safetensors", "outline.onnx"),
        ("outline.onnx", "outline.onnx"),
        ("locate.safetensors", "locate.onnx"),
    ],
)
def test_an_altered_file_is_never_handed_out(brain: Path, altered: str, asked: str) -> None:
    folder = open_model(brain)
    folder.file(asked)
    data = bytearray((brain / altered).read_bytes())
    data[-1] ^= 1
    (brain / altered).write_bytes(data)
    with pytest.raises(ModelFolderError, match=f"{altered}.*altered"):
        folder.file(asked)
    with pytest.raises(ModelFolderError, match=altered):
        folder.verify()


@pytest.mark.parametrize(
    "name", ["outline.safetensors", "outline.onnx", "golden/locate.safetensors", "shape.safetensors"]
)
def test_a_missing_file_is_named(brain: Path, name: str) -> None:
    (brain / name).unlink()
    with pytest.raises(ModelFolderError, match=name):
        open_model(brain).verify()


def test_nothing_outside_the_folder_is_handed_out(brain: Path) -> None:
    (brain.parent / "secret").write_text("secret")
    (brain / "link").symlink_to(brain.parent / "secret")
    for name in ("../secret", "link", str(brain.parent / "secret")):
        with pytest.raises(ModelFolderError, match="leads out"):
            open_model(brain).file(name)


def test_the_record_names_the_weights_by_their_common_digest() -> None:
    files = [(BRAIN / name).read_bytes() for name in ("outline.safetensors", "locate.safetensors")]
    made = record(open_model("brain"))
    digests = "".join(hashlib.sha256(file).hexdigest() for file in files)
    assert made.sha256 == hashlib.sha256(digests.encode()).hexdigest()
    assert (made.name, made.task, made.licence) == ("brain", "segment", "MIT")


def test_a_damaged_golden_case_is_refused(brain: Path) -> None:
    folder = open_model(brain)
    path = folder.golden(folder.spec.network)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ModelFolderError, match="golden"):
        read_golden(folder, folder.spec.network)


def test_a_golden_case_keeps_its_values(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    image = rng.standard_normal((1, 2, 3, 4, 5)).astype(np.float16).astype(np.float32)
    logits = 100 * rng.standard_normal((1, 3, 3, 4, 5)).astype(np.float32)
    write_golden(GoldenCase(image, logits), tmp_path / "golden" / "case.safetensors")
    tensors = load_file(tmp_path / "golden" / "case.safetensors")
    np.testing.assert_array_equal(tensors["input"].astype(np.float32), image)
    np.testing.assert_array_equal(tensors["output"], logits)
    with pytest.raises(ValueError, match="half precision"):
        write_golden(GoldenCase(image + 1e-6, logits), tmp_path / "golden" / "other.safetensors")
