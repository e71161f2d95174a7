"""The files of an analysis without the optional packages."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from vesalius import output
from vesalius.engine.progress import Progress
from vesalius.errors import MissingExtraError
from vesalius.results import Label, Labelmap
from vesalius.volume import Geometry, IndexBox, Volume


def _case() -> tuple[Volume, Labelmap]:
    geometry = Geometry.from_spacing((20, 24, 16), (2, 2, 3))
    voxels = np.zeros(geometry.shape, np.uint8)
    voxels[5:15, 6:18, 4:12] = 1
    return Volume(voxels[None] * 100, geometry), Labelmap(voxels, geometry, {1: Label(name="box", colour="#aa5500")})


def _drawn(volume: Volume, labelmap: Labelmap | None, folder: Path) -> output.Drawing:
    with ThreadPoolExecutor(1) as helper:
        return output.draw_results(volume, labelmap, folder, helper, Progress())


def test_with_everything_there_is_a_scene(tmp_path) -> None:
    drawing = _drawn(*_case(), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(drawing.files.values()) == {
        "segmentation.nii.gz", "scene.glb", "scene.png",
    }  # fmt: skip
    assert drawing.warnings == ()


def test_without_the_extra_view_the_planes_are_drawn_and_a_warning_says_why(tmp_path, monkeypatch) -> None:
    def missing(*_: object) -> None:
        raise MissingExtraError("run: pip install 'vesalius[view]'")

    monkeypatch.setattr(output, "extract_meshes", missing)
    drawing = _drawn(*_case(), tmp_path)
    assert "scene" not in drawing.files
    assert [warning.code for warning in drawing.warnings] == ["no-3d"]
    assert "vesalius[view]" in drawing.warnings[0].message
    with Image.open(tmp_path / "scene.png") as picture:
        assert np.asarray(picture.convert("L")).std() > 5


def test_nothing_found_is_drawn_without_a_scene(tmp_path) -> None:
    volume, labelmap = _case()
    empty = Labelmap(np.zeros_like(labelmap.voxels), labelmap.geometry, labelmap.labels)
    drawing = _drawn(volume, empty, tmp_path)
    assert set(drawing.files) == {"segmentation", "picture"}


def _forbidden(*_: object) -> None:
    raise AssertionError("no surface is looked for")


def test_a_flat_labelmap_is_a_picture_too_and_has_no_surface(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(output, "extract_meshes", _forbidden)
    volume, labelmap = _case()
    middle = IndexBox((0, 0, 8), (20, 24, 9))
    flat = Labelmap(labelmap.voxels[middle.slices], labelmap.geometry.cropped(middle), labelmap.labels)
    drawing = _drawn(volume.cropped(middle), flat, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(drawing.files.values()) == {
        "segmentation.nii.gz", "segmentation.png", "scene.png",
    }  # fmt: skip
    assert drawing.warnings == ()
    with Image.open(tmp_path / "segmentation.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), flat.voxels[..., 0].T)


def test_without_labels_there_is_the_picture_alone(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(output, "extract_meshes", _forbidden)
    drawing = _drawn(_case()[0], None, tmp_path)
    assert drawing.files == {"picture": "scene.png"}
    assert [path.name for path in tmp_path.iterdir()] == ["scene.png"]
