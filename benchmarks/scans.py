"""The scans that benchmarks run on: public templates that come inside packages."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import nibabel as nib
import numpy as np

MRICRON = Path("/usr/share/mricron/templates")


def mni152() -> Path:
    """The MNI152 T1 at 1 mm (197, 233, 189), which nilearn carries."""
    return _nilearn() / "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"


def head() -> np.ndarray:
    """(I, J, K) float32: the MNI152 T1, mean 0 and deviation 1."""
    voxels = np.asanyarray(nib.load(mni152()).dataobj).astype(np.float32)
    return (voxels - voxels.mean()) / voxels.std()


def mni152_tissues() -> tuple[Path, Path]:
    """The grey and white matter shares on the same grid."""
    folder = _nilearn()
    return (
        folder / "mni_icbm152_gm_tal_nlin_sym_09a_converted.nii.gz",
        folder / "mni_icbm152_wm_tal_nlin_sym_09a_converted.nii.gz",
    )


def colin27() -> Path:
    """The Colin27 T1 at 1 mm (181, 217, 181), from Debian's mricron-data."""
    return MRICRON / "ch2.nii.gz"


def aal() -> Path:
    """The 116 labels of AAL on Colin27, from Debian's mricron-data."""
    return MRICRON / "aal.nii.gz"


def _nilearn() -> Path:
    spec = importlib.util.find_spec("nilearn")
    if spec is None or spec.origin is None:
        raise SystemExit("the benchmarks run on the MNI152 template that nilearn carries; run: pip install nilearn")
    return Path(spec.origin).parent / "datasets" / "data"
