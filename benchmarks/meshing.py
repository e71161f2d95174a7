"""All labels of AAL to meshes: ours in one pass against scikit-image's marching cubes, label by label.

The labelmap has 116 labels on 181×217×181 voxels of 1 mm and is in memory; marching cubes goes over the full volume for
each label, its defaults apart from the level. Ours is timed as it is used: smoothed. Both sides' meshes must be
watertight, by trimesh's judgement, and enclose the labels' volumes.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import trimesh
from skimage.measure import marching_cubes

from benchmarks.harness import measure
from vesalius.results import Label, Labelmap, palette_colour
from vesalius.scene.mesh import extract_meshes
from vesalius.volume import Geometry

PACKAGES = ("vtk", "scikit-image", "trimesh")
AAL = Path("/usr/share/mricron/templates/aal.nii.gz")


def run(repeats: int = 3) -> dict[str, Any]:
    """Seconds of both, interleaved, and how good their meshes are."""
    if not AAL.exists():
        raise SystemExit(f"{AAL} is not here; install Debian's mricron-data")
    labelmap = _labelmap()
    contenders = {
        "ours": functools.partial(_ours, labelmap),
        "scikit-image": functools.partial(_marching_cubes, labelmap),
    }
    figures = measure(contenders, repeats)
    for name, contender in contenders.items():
        figures[name] |= _quality(contender(), labelmap)
    figures["ours"]["times_faster_than_scikit-image"] = round(
        figures["scikit-image"]["median"] / figures["ours"]["median"], 1
    )
    return figures


def _labelmap() -> Labelmap:
    image = nib.load(AAL)
    voxels = np.asarray(image.dataobj)
    values = [int(value) for value in np.unique(voxels) if value]
    labels = {value: Label(name=f"AAL {value}", colour=palette_colour(value)) for value in values}
    return Labelmap(voxels, Geometry(voxels.shape, image.affine), labels)


def _ours(labelmap: Labelmap) -> dict[int, trimesh.Trimesh]:
    return {
        value: trimesh.Trimesh(mesh.vertices, mesh.triangles, process=False)
        for value, mesh in extract_meshes(labelmap).items()
    }


def _marching_cubes(labelmap: Labelmap) -> dict[int, trimesh.Trimesh]:
    meshes = {}
    for value in labelmap.labels:
        vertices, faces, _, _ = marching_cubes((labelmap.voxels == value).astype(np.uint8), 0.5)
        meshes[value] = trimesh.Trimesh(labelmap.geometry.to_world(vertices), faces, process=False)
    return meshes


def _quality(meshes: dict[int, trimesh.Trimesh], labelmap: Labelmap) -> dict[str, Any]:
    voxel = labelmap.geometry.voxel_volume
    ratios = [abs(mesh.volume) / (np.count_nonzero(labelmap.voxels == value) * voxel) for value, mesh in meshes.items()]
    return {
        "labels": len(meshes),
        "watertight": sum(bool(mesh.is_watertight) for mesh in meshes.values()),
        "triangles": sum(len(mesh.faces) for mesh in meshes.values()),
        "volume_by_voxels_median": round(float(np.median(ratios)), 4),
    }
