"""Real scans for the tests. Where one is absent, the tests that need it skip and say so."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("VESALIUS_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
MRICRON = Path("/usr/share/mricron/templates")


def _existing(path: Path, hint: str) -> Path:
    if not path.exists():
        pytest.skip(f"{path.name} is not here: {hint}")
    return path


@pytest.fixture(scope="session")
def mni152() -> Path:
    """The MNI152 T1 at 1 mm (197, 233, 189), skull already removed; nilearn carries it."""
    spec = importlib.util.find_spec("nilearn")
    if spec is None or spec.origin is None:
        pytest.skip("nilearn, which carries the MNI152 T1, is not installed")
    data = Path(spec.origin).parent / "datasets" / "data"
    return _existing(data / "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz", "another version of nilearn?")


@pytest.fixture(scope="session")
def colin27() -> Path:
    """The Colin27 T1 at 1 mm, a whole head (181, 217, 181)."""
    return _existing(MRICRON / "ch2.nii.gz", "install Debian's mricron-data")


@pytest.fixture(scope="session")
def aal() -> Path:
    """The 116 labels of AAL on Colin27's grid."""
    return _existing(MRICRON / "aal.nii.gz", "install Debian's mricron-data")


@pytest.fixture(scope="session")
def brain_mri() -> Path:
    """DICOM of one patient: folders t1-pre, t1-post, flair, t2, hippocampus-crop."""
    return _existing(SHARED / "brain-mri", "set VESALIUS_TEST_DATA to the folder that holds brain-mri")


@pytest.fixture(scope="session")
def patient_positions() -> Path:
    """DICOM of one phantom scanned supine and decubitus left."""
    return _existing(SHARED / "patient-positions", "set VESALIUS_TEST_DATA to the folder that holds patient-positions")


@pytest.fixture(scope="session")
def brain_tumour() -> Path:
    """A head MRI as NRRD, with a tumour mask."""
    return _existing(SHARED / "brain-tumour", "set VESALIUS_TEST_DATA to the folder that holds brain-tumour")


@pytest.fixture(scope="session")
def hippocampus() -> Path:
    """208 cropped T1 MRIs of one hippocampus with labels 1 and 2: images/ and labels/."""
    return _existing(SHARED / "hippocampus", "set VESALIUS_TEST_DATA to the folder that holds hippocampus")


@pytest.fixture(scope="session")
def pneumonia() -> Path:
    """PneumoniaMNIST's training and validation pictures, 28×28."""
    file = SHARED / "pneumonia" / "pneumoniamnist-trainval.npz"
    return _existing(file, "set VESALIUS_TEST_DATA to the folder that holds pneumonia")


@pytest.fixture(scope="session")
def retinal_vessels() -> Path:
    """CHASE_DB1: photographs Image_01L.jpg … with the vessels of two observers beside them."""
    return _existing(SHARED / "retinal-vessels", "set VESALIUS_TEST_DATA to the folder that holds retinal-vessels")
