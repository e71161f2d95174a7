"""Grids that catch a wrong axis, sign or unit, and a maker of DICOM files."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vesalius.volume import Geometry, Volume

SHAPE = (5, 4, 3)


def rotation(seed: int) -> np.ndarray:
    """A random proper rotation (3, 3)."""
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q * np.linalg.det(q)


def _affine(axes: np.ndarray) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = axes * (0.43, 1.7, 6.5)
    affine[:3, 3] = (-106.723, 162.139, 44.916)
    return affine


AFFINES = {
    "ras": _affine(np.eye(3)),
    "lps": _affine(np.diag([-1.0, -1.0, 1.0])),
    "left-handed": _affine(np.diag([-1.0, 1.0, 1.0])),
    "permuted": _affine(np.eye(3)[[2, 0, 1]] * (1, -1, 1)),
    "oblique": _affine(rotation(1)),
    "oblique-flipped": _affine(rotation(2) * (1, 1, -1)),
}


@pytest.fixture(params=AFFINES.values(), ids=AFFINES.keys())
def geometry(request: pytest.FixtureRequest) -> Geometry:
    return Geometry(SHAPE, request.param)


@pytest.fixture
def scan(geometry: Geometry) -> Volume:
    """Every voxel has a value of its own."""
    voxels = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(1, *SHAPE) * 37 - 900
    return Volume(voxels, geometry)


@pytest.fixture
def little_disk() -> Callable[[int], AbstractContextManager[None]]:
    """A context in which no file can grow beyond so many bytes: the write that hits the limit comes up short."""

    @contextmanager
    def limit(size: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limit


DicomMaker = Callable[..., list[Path]]


@pytest.fixture
def make_dicom(tmp_path: Path) -> DicomMaker:
    return lambda *args, **options: _make_dicom(tmp_path / "dicom", *args, **options)


def _make_dicom(
    folder: Path,
    pixels: np.ndarray,
    *,
    directions: tuple[float, ...] = (1, 0, 0, 0, 1, 0),
    first: tuple[float, float, float] = (-100.5, 20.25, 7.0),
    step: tuple[float, float, float] = (0, 0, 2.5),
    series: str = "1.2.3.4",
    patient: str = "P1",
    name: Callable[[int], str] = lambda k: f"{(k * 7) % 97:03d}.dcm",
    **elements: Any,
) -> list[Path]:
    """Write ``pixels`` (K, J, I[, 3]) as one file an image; rows 0.8 mm and columns 0.5 mm apart, names shuffled."""
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

    folder.mkdir(exist_ok=True, parents=True)
    paths = []
    for k, plane in enumerate(pixels):
        dataset = pydicom.Dataset()
        dataset.file_meta = pydicom.dataset.FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = MRImageStorage
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"{series}.{k + 1}"
        dataset.PatientID, dataset.PatientName = patient, f"Doe^{patient}"
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"{series}.100", series
        dataset.FrameOfReferenceUID = f"{series}.200"
        dataset.Modality, dataset.SeriesDescription = "MR", "made up"
        dataset.InstanceNumber = 100 - k
        dataset.Rows, dataset.Columns = plane.shape[:2]
        dataset.PixelSpacing = [0.8, 0.5]
        dataset.SliceThickness = 2
        dataset.ImageOrientationPatient = [round(float(x), 9) for x in directions]
        dataset.ImagePositionPatient = [round(float(x), 9) for x in np.array(first) + k * np.array(step)]
        dataset.SamplesPerPixel = 1 if plane.ndim == 2 else 3
        dataset.PhotometricInterpretation = "MONOCHROME2" if plane.ndim == 2 else "RGB"
        if plane.ndim == 3:
            dataset.PlanarConfiguration = 0
        dataset.BitsAllocated = dataset.BitsStored = 8 * plane.itemsize
        dataset.HighBit = dataset.BitsStored - 1
        dataset.PixelRepresentation = int(plane.dtype.kind == "i")
        dataset.PixelData = plane.tobytes() + b"\0" * (plane.nbytes % 2)
        dataset["PixelData"].VR = "OW"
        for keyword, value in elements.items():
            value = value(k) if callable(value) else value
            if value is None:
                del dataset[keyword]
            else:
                setattr(dataset, keyword, value)
        paths.append(folder / name(k))
        dataset.save_as(paths[-1], enforce_file_format=True)
    return paths
