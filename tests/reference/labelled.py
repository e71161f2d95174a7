"""Small labelled data for evaluations."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
from scipy.ndimage import gaussian_filter

from grids import rotation

SPACING = (0.7, 1.3, 2.1)


def oblique_affine() -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = rotation((0.9, 0.2, -0.3, 0.1)) @ np.diag([-SPACING[0], *SPACING[1:]])
    affine[:3, 3] = 4, -9, 20
    return affine


def write_case(folder: Path, name: str, image: np.ndarray, label: np.ndarray | None) -> None:
    for part, voxels in (("images", image.astype(np.float32)), ("labels", label)):
        (folder / part).mkdir(parents=True, exist_ok=True)
        if voxels is not None:
            nib.save(nib.Nifti1Image(voxels, oblique_affine()), folder / part / f"{name}.nii.gz")


def noisy_cases(folder: Path, names: list[str], noise: float, seed: int = 0) -> dict[str, SimpleNamespace]:
    """Labels 0 to 2 from a smooth field, images that round to them but for ``noise``, on an oblique grid."""
    rng = np.random.default_rng(seed)
    found = {}
    for name in names:
        field = gaussian_filter(rng.normal(size=(14, 13, 9)), 1.5)
        field /= field.std()
        image = (np.clip(field, -0.4, 2.4) + noise * rng.normal(size=field.shape)).astype(np.float32)
        label = np.clip(np.round(field), 0, 2).astype(np.uint8)
        write_case(folder, name, image, label)
        found[name] = SimpleNamespace(image=image, label=label, said=np.clip(np.round(image), 0, 2).astype(np.uint8))
    return found
