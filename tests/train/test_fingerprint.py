"""The fingerprint of data whose shapes, spacings, values and labels are known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from vesalius.engine.progress import Progress
from vesalius.errors import DatasetError
from vesalius.train.data import open_dataset
from vesalius.train.fingerprint import Fingerprint, fingerprint

ANISOTROPIC = (0.5, 0.5, 5.0)


def put(file: Path, voxels: NDArray[np.generic], affine: NDArray[np.float64]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(voxels, affine), file)


def put_case(
    folder: Path, name: str, image: NDArray[np.generic], label: NDArray[np.generic], spacing: Sequence[float]
) -> None:
    affine = np.diag([*spacing, 1.0])
    put(folder / "images" / f"{name}.nii.gz", image, affine)
    put(folder / "labels" / f"{name}.nii.gz", label, affine)


def block(shape: tuple[int, int, int], size: tuple[int, int, int], value: int = 1) -> NDArray[np.uint8]:
    label = np.zeros(shape, np.uint8)
    label[tuple(slice(2, 2 + n) for n in size)] = value
    return label


def of(path: Path) -> Fingerprint:
    return fingerprint(open_dataset(path), Progress())


def test_shape_and_spacing_are_those_along_the_patients_axes(tmp_path: Path) -> None:
    shape, label = (20, 24, 6), block((20, 24, 6), (4, 4, 2))
    affine = np.diag([*ANISOTROPIC, 1.0])
    turned = affine[:, [2, 0, 1, 3]] @ np.diag([-1.0, 1.0, 1.0, 1.0])  # stored as slices from head to foot first
    put_case(tmp_path, "a", np.ones(shape, np.float32), label, ANISOTROPIC)
    put(tmp_path / "images" / "b.nii.gz", np.ones((6, 20, 24), np.float32), turned)
    put(tmp_path / "labels" / "b.nii.gz", label.transpose(2, 0, 1).copy(), turned)
    found = of(tmp_path)
    for case in found.cases:
        assert case.shape == shape
        assert case.spacing == pytest.approx(ANISOTROPIC)
    assert found.is_anisotropic


def test_labels_are_counted_in_cases_voxels_and_millilitres(tmp_path: Path) -> None:
    shape = (20, 24, 6)
    put_case(tmp_path, "a", np.ones(shape, np.float32), block(shape, (10, 10, 4)), ANISOTROPIC)
    put_case(tmp_path, "b", np.ones(shape, np.float32), block(shape, (3, 3, 3), 2), ANISOTROPIC)
    found = of(tmp_path)
    assert found.label_counts == {1: 1, 2: 1}
    assert found.cases[0].volumes_ml == pytest.approx({1: 400 * 1.25 / 1000})


def test_intensities_are_those_of_the_labelled_voxels(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    inside = []
    for number in range(3):
        image, label = random.normal(size=(12, 12, 12)).astype(np.float32), block((12, 12, 12), (5, 6, 7))
        image[label > 0] = 100 + 10 * random.normal(size=210)
        inside.append(image[label > 0])
        put_case(tmp_path, str(number), image, label, (1, 1, 1))
    values = np.concatenate(inside).astype(float)
    low, high = np.percentile(values, [0.5, 99.5])
    found = of(tmp_path).intensities
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.mean == pytest.approx(np.clip(values, low, high).mean())
    assert found.deviation == pytest.approx(np.clip(values, low, high).std())


def test_a_sample_of_a_large_label_stands_for_all_of_it(tmp_path: Path) -> None:
    ramp = np.linspace(0, 1000, 64**3).reshape(64, 64, 64).astype(np.float32)
    put_case(tmp_path, "a", ramp, np.ones((64, 64, 64), np.uint8), (1, 1, 1))
    found = of(tmp_path)
    assert found.cases[0].samples.shape == (1, 10_000)
    # of an even distribution over 0…1000: the mean of 10,000 values lies within 5 standard errors
    assert found.intensities.mean == pytest.approx(500, abs=5 * 1000 / np.sqrt(12 * 10_000))
    assert (found.intensities.low, found.intensities.high) == pytest.approx((5, 995), abs=5)


def test_along_the_coarse_axis_the_target_is_the_tenth_percentile(tmp_path: Path) -> None:
    gaps = [2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    for gap in gaps:
        put_case(tmp_path, f"{gap}", np.ones((8, 8, 8), np.float32), block((8, 8, 8), (2, 2, 2)), (0.5, 0.6, gap))
    found = of(tmp_path)
    assert found.median_spacing == pytest.approx((0.5, 0.6, 4.5))
    assert found.target_spacing == pytest.approx((0.5, 0.6, np.percentile(gaps, 10)))
    assert found.median_shape((0.5, 1.2, 4.5)) == (8, 4, 8)


def test_a_ct_is_known_by_its_air_in_whole_numbers_or_by_its_description(tmp_path: Path) -> None:
    random, label = np.random.default_rng(0), block((10, 10, 10), (3, 3, 3))
    body = random.integers(-1000, 400, (10, 10, 10)).astype(np.int16)
    put_case(tmp_path / "ct", "a", body, label, (1, 1, 1))
    put_case(tmp_path / "normalized", "a", body / np.float32(3.3), label, (1, 1, 1))
    put_case(tmp_path / "mr", "a", body + np.int16(1000), label, (1, 1, 1))
    assert [of(tmp_path / name).kind for name in ("ct", "normalized", "mr")] == ["CT", "MR", "MR"]
    raw = tmp_path / "raw"
    put(raw / "imagesTr" / "a_0000.nii.gz", body + np.int16(1000), np.eye(4))
    put(raw / "labelsTr" / "a.nii.gz", label, np.eye(4))
    described = {"channel_names": {"0": "CT"}, "labels": {"background": 0, "liver": 1}, "licence": "CC BY 4.0"}
    (raw / "dataset.json").write_text(json.dumps(described | {"file_ending": ".nii.gz", "numTraining": 1}))
    found = of(raw)
    assert found.kind == "CT"
    assert found.classes[1] == "liver"
    assert found.declared.licence == "CC BY 4.0"


def test_how_much_is_exactly_zero_is_seen(tmp_path: Path) -> None:
    image = np.zeros((10, 10, 10), np.float32)
    image[:6] = 1
    put_case(tmp_path, "a", image, block((10, 10, 10), (3, 3, 3)), (1, 1, 1))
    assert of(tmp_path).zeros == pytest.approx(0.4)


def test_pictures_of_a_class_a_folder(tmp_path: Path) -> None:
    for name, count in (("benign", 3), ("malignant", 1)):
        (tmp_path / name).mkdir()
        for number in range(count):
            pixels = np.full((6, 9, 3), 40 * (number + 1), np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    found = of(tmp_path)
    assert found.kind == "picture"
    assert found.orientation == "LPS"
    assert found.class_counts == {0: 3, 1: 1}
    assert dict(found.classes) == {0: "benign", 1: "malignant"}
    assert found.median_shape(None) == (9, 6, 1)
    assert all(case.eight_bit and not case.placed for case in found.cases)


def test_what_is_kept_for_testing_and_validation_is_not_looked_at(tmp_path: Path) -> None:
    arrays = {
        f"{part}_images": np.full((4, 8, 8), value, np.uint8) for part, value in (("train", 1), ("val", 9), ("test", 9))
    }
    labels = {f"{part}_labels": np.array([[0], [1], [1], [1]]) for part in ("train", "val", "test")}
    np.savez(tmp_path / "data.npz", **arrays, **labels)
    found = of(tmp_path / "data.npz")
    assert len(found.cases) == 4
    assert found.divided
    assert found.intensities.high == 1
    assert found.class_counts == {0: 1, 1: 3}


def test_cases_of_different_channels_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "a" / "grey.png")
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "b" / "colour.png")
    with pytest.raises(DatasetError, match=r"colour\.png has 3 channel"):
        of(tmp_path)


def test_values_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    image = np.full((6, 6, 6), np.nan, np.float32)
    put_case(tmp_path, "broken", image, block((6, 6, 6), (2, 2, 2)), (1, 1, 1))
    with pytest.raises(DatasetError, match="broken holds values that are no numbers"):
        of(tmp_path)


def test_data_with_nothing_to_train_on_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", test_images=np.zeros((2, 8, 8), np.uint8), test_labels=np.array([[0], [1]]))
    with pytest.raises(DatasetError, match="no case to train on"):
        of(tmp_path / "data.npz")


def test_the_hippocampus_set(hippocampus: Path) -> None:
    found = of(hippocampus)
    assert found.kind == "MR"
    assert found.target_spacing == (1.0, 1.0, 1.0)
    assert found.label_counts == {1: 208, 2: 208}
    shapes = [nib.load(file).shape for file in (hippocampus / "images").glob("*.nii.gz")]
    assert found.median_shape(None) == pytest.approx(np.median(shapes, axis=0), abs=0.5)
