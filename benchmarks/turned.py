"""How far `brain` finds the same brain in re-oriented copies of a scan: a benchmark of agreement, not of speed.

Copies whose axes are flipped and permuted hold the same voxels. Copies resampled onto a grid turned by 20° about one of
the scan's axes do not: "resampling alone" says what the reference mask itself loses on the way there and back. Compared
in the patient, on the scan's own grid. Runs on the MNI152 and Colin27 heads (1 mm) and, where VESALIUS_TEST_DATA names
the folder that holds brain-mri, on t1-pre (6.5 mm from slice to slice).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

import vesalius as vs
from benchmarks.scans import colin27, mni152
from vesalius.measure.overlap import dice
from vesalius.transforms.resample import resample
from vesalius.volume import Geometry, Volume, reorder

PACKAGES = ("openvino",)


def run() -> dict[str, Any]:
    """Dice of each copy's mask with that of the scan itself."""
    scans = {"MNI152": mni152(), "Colin27": colin27()}
    if "VESALIUS_TEST_DATA" in os.environ:
        scans["t1-pre"] = Path(os.environ["VESALIUS_TEST_DATA"]) / "brain-mri" / "t1-pre"
    return {name: _one(vs.read(path)) for name, path in scans.items() if path.exists()}


def _one(scan: Volume) -> dict[str, Any]:
    reference = _mask(scan)
    reordered = {}
    for orientation in ("LPS", "PIR", "SLA", "IAR"):
        copy = scan.reoriented(orientation)
        back = reorder(_mask(copy), copy.geometry, scan.geometry.orientation)
        reordered[orientation] = round(dice(back, reference), 4)
    turned = {
        f"axis {axis}, {degrees:+d}°": _turned(scan, reference, axis, degrees)
        for axis in range(3)
        for degrees in (-20, 20)
    }
    return {"reordered": reordered, "turned": turned}


def _turned(scan: Volume, reference: np.ndarray, axis: int, degrees: int) -> dict[str, float]:
    grid = turned_grid(scan.geometry, axis, degrees)
    voxels = resample(scan.voxels[0], scan.geometry, grid, "linear")
    mask = _mask(Volume(voxels[None], grid, scan.modality))
    there = resample(reference.astype(np.float32), scan.geometry, grid, "linear") > 0.5
    seen, alone = (resample(m.astype(np.float32), grid, scan.geometry, "linear") > 0.5 for m in (mask, there))
    return {"dice": round(dice(seen, reference), 4), "resampling alone": round(dice(alone, reference), 4)}


def turned_grid(geometry: Geometry, axis: int, degrees: float) -> Geometry:
    """The grid turned about its centre, in the plane of the two other patient axes."""
    angle, (i, j) = np.deg2rad(degrees), [a for a in range(3) if a != axis]
    rotation = np.eye(3)
    rotation[[i, i, j, j], [i, j, i, j]] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
    centre = geometry.to_world((np.array(geometry.shape) - 1) / 2)
    affine = geometry.affine.copy()
    affine[:3, :3] = rotation @ affine[:3, :3]
    affine[:3, 3] = centre + rotation @ (affine[:3, 3] - centre)
    return Geometry(geometry.shape, affine)


def _mask(scan: Volume) -> np.ndarray:
    labelmap = vs.analyze(scan, "brain").labelmap
    assert labelmap is not None
    return labelmap.voxels == 1
