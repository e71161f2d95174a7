"""Tiny data sets in every layout, written by nibabel and Pillow, not by our own code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from phantoms import affine

SHARED = Path(__file__).parents[4] / "shared" / "data"
OBLIQUE = affine((0.8, 1.1, 1.5), flip=True, oblique=True)


def _nifti(path: Path, voxels: NDArray[np.generic], matrix: NDArray[np.float64] = OBLIQUE) -> Path:
    """(I, J, K), or (I, J, K, C) for several channels; on an oblique, flipped, anisotropic grid by default."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(voxels, matrix), path)
    return path


def _picture(path: Path, pixels: NDArray[np.generic]) -> Path:
    """(rows, columns) or (rows, columns, 3)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def nifti() -> Callable[..., Path]:
    return _nifti


@pytest.fixture
def picture() -> Callable[..., Path]:
    return _picture


@pytest.fixture
def pairs_folder(tmp_path: Path) -> Path:
    """Six cases of random voxels in images/ and labels/, each with the labels 1 and 2."""
    random = np.random.default_rng(0)
    for number in range(6):
        label = np.zeros((6, 5, 4), np.uint8)
        label[1:3, 1:3, 1], label[3:5, 2:4, 2] = 1, 2
        _nifti(tmp_path / f"images/case_{number}.nii.gz", random.normal(100, 20, (6, 5, 4)).astype(np.float32))
        _nifti(tmp_path / f"labels/case_{number}.nii.gz", label)
    return tmp_path


@pytest.fixture(scope="session")
def retinal_vessels() -> Path:
    if not (SHARED / "retinal-vessels").exists():
        pytest.skip("retinal-vessels is not in shared/data")
    return SHARED / "retinal-vessels"
