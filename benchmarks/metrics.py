"""All labels of AAL against a deformed copy: ours in one pass against MONAI's HD95 and NSD, label by label.

The labelmaps have 116 labels on 181×217×181 voxels of 1 mm and are in memory. MONAI gets one binary mask at a time,
since all of them at once would take 6 GB. Ours is timed with everything that it finds besides: overlap, ASSD, volume.
"""

from __future__ import annotations

import functools
import warnings
from typing import Any

import nibabel as nib
import numpy as np
import torch
from monai.metrics import compute_hausdorff_distance, compute_surface_dice
from scipy.ndimage import affine_transform

from benchmarks.harness import measure
from benchmarks.scans import aal
from vesalius.measure.agreement import compare_labels
from vesalius.results import Label, Labelmap, palette_colour
from vesalius.volume import Geometry

PACKAGES = ("monai", "torch", "scipy", "simpleitk")
TOLERANCE_MM = 1.0
Figures = dict[str, tuple[float, float]]


def run(repeats: int = 2) -> dict[str, Any]:
    """Seconds of both, interleaved, and by how much their figures differ."""
    if not aal().exists():
        raise SystemExit(f"{aal()} is not here; install Debian's mricron-data")
    prediction, reference = _labelmaps()
    contenders = {
        "ours": functools.partial(_ours, prediction, reference),
        "monai": functools.partial(_monai, prediction, reference),
    }
    warnings.filterwarnings("ignore", category=FutureWarning, module="monai")
    agreement = _agreement(contenders["ours"](), contenders["monai"]())  # warms both up
    figures: dict[str, Any] = measure(contenders, repeats, warmup=0)
    figures["ours"]["times_faster_than_monai"] = round(figures["monai"]["median"] / figures["ours"]["median"], 1)
    return figures | {"agreement": agreement}


def _labelmaps() -> tuple[Labelmap, Labelmap]:
    """The atlas turned, stretched and shifted by some voxels, and the atlas itself."""
    image = nib.load(aal())
    reference = np.asarray(image.dataobj)
    matrix = np.array([[1.01, 0.02, 0], [-0.02, 0.99, 0.01], [0, 0.015, 1.0]])
    prediction = affine_transform(reference, matrix, offset=(-2, 1, 2), order=0)
    values = [int(value) for value in np.unique(reference) if value]
    labels = {value: Label(name=f"AAL {value}", colour=palette_colour(value)) for value in values}
    grid = Geometry(reference.shape, image.affine)
    return Labelmap(prediction, grid, labels), Labelmap(reference, grid, labels)


def _ours(prediction: Labelmap, reference: Labelmap) -> Figures:
    compared = compare_labels(prediction, reference, TOLERANCE_MM)
    return {name: (found.hd95_mm, found.nsd) for name, found in compared.items()}


def _monai(prediction: Labelmap, reference: Labelmap) -> Figures:
    figures = {}
    options = {"include_background": True, "spacing": reference.geometry.spacing}
    for value, label in reference.labels.items():
        masks = [torch.from_numpy(item.voxels == value)[None, None] for item in (prediction, reference)]
        hd95 = compute_hausdorff_distance(*masks, percentile=95, **options)
        nsd = compute_surface_dice(*masks, class_thresholds=[TOLERANCE_MM], **options)
        figures[label.name] = (hd95.item(), nsd.item())
    return figures


def _agreement(ours: Figures, theirs: Figures) -> dict[str, Any]:
    hd95, nsd = np.abs([np.subtract(ours[name], theirs[name]) for name in theirs]).max(axis=0)
    return {
        "labels": len(ours),
        "largest_difference_hd95_mm": float(hd95),
        "largest_difference_nsd": float(nsd),
        "equal_to_1e-4": bool(max(hd95, nsd) <= 1e-4),
    }
