"""Meshes as .stl, .ply and .obj files, in WORLD: millimetres, RAS+.

All labels go into one file. OBJ keeps them apart as named objects with coloured vertices, PLY by the colour of the
vertices and the property ``label`` of the faces. STL has neither names nor colours: it holds all triangles together;
hand over one mesh at a time for one file a label. None of these formats states its unit or axes; most programs take
the numbers as millimetres, and slicers for 3D printing as +Z up, which is the patient's head.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from vesalius.aside import aside
from vesalius.errors import OutputError
from vesalius.results import Label
from vesalius.scene.glb import write_glb
from vesalius.scene.mesh import Mesh

Meshes = Mapping[int, Mesh]
Labels = Mapping[int, Label]


def write_mesh(meshes: Meshes, labels: Labels, path: Path) -> None:
    """Write all meshes into one file, whose ending chooses the format: .glb .stl .ply .obj.

    Args:
        meshes: label value → surface in WORLD mm RAS+.
        labels: label value → name and colour, for every value in ``meshes``.
        path: the file.

    Raises:
        OutputError: the ending is none of these, or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix == ".glb":
        write_glb(meshes, labels, path)
    elif suffix in _WRITERS:
        with aside(path) as temporary, temporary.open("wb") as file:
            file.writelines(_WRITERS[suffix](meshes, labels))
    else:
        raise OutputError(f"{path.name} is no mesh file that can be written; end its name in .glb, .stl, .ply or .obj")


def _stl(meshes: Meshes, _labels: Labels) -> Iterator[bytes]:
    """Binary STL: 80 bytes of header, the count, and per triangle its normal, its corners and two spare bytes."""
    record = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("spare", "<u2")])
    count = sum(len(mesh.triangles) for mesh in meshes.values())
    yield b"Vesalius, millimetres, RAS".ljust(80) + np.uint32(count).tobytes()
    for mesh in meshes.values():
        facets = np.zeros(len(mesh.triangles), record)
        facets["corners"] = mesh.vertices[mesh.triangles]
        facets["normal"] = mesh.face_normals()
        yield facets.tobytes()


def _ply(meshes: Meshes, labels: Labels) -> Iterator[bytes]:
    """Binary PLY with coloured vertices and labelled faces."""
    vertex = np.dtype([("position", "<f4", 3), ("colour", "u1", 3)])
    face = np.dtype([("count", "u1"), ("corners", "<i4", 3), ("label", "<i4")])
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes.values())])
    triangles = sum(len(mesh.triangles) for mesh in meshes.values())
    yield (
        "ply\nformat binary_little_endian 1.0\ncomment Vesalius, millimetres, RAS\n"
        f"element vertex {starts[-1]}\n"
        "property float x\nproperty float y\nproperty float z\n"
        "property uchar red\nproperty uchar green\nproperty uchar blue\n"
        f"element face {triangles}\n"
        "property list uchar int vertex_indices\nproperty int label\nend_header\n"
    ).encode()
    for value, mesh in meshes.items():
        points = np.empty(len(mesh.vertices), vertex)
        points["position"], points["colour"] = mesh.vertices, labels[value].rgb
        yield points.tobytes()
    for start, (value, mesh) in zip(starts, meshes.items(), strict=False):
        faces = np.empty(len(mesh.triangles), face)
        faces["count"], faces["corners"], faces["label"] = 3, mesh.triangles + start, value
        yield faces.tobytes()


def _obj(meshes: Meshes, labels: Labels) -> Iterator[bytes]:
    """Wavefront OBJ, one named object a label, colours after the coordinates as most programs read them."""
    yield b"# Vesalius, millimetres, RAS\n"
    start = 1
    for value, mesh in meshes.items():
        colour = " ".join(f"{part / 255:.4f}" for part in labels[value].rgb)
        lines = [f"o {labels[value].name.replace(' ', '_')}"]
        lines += [f"v {x:.4f} {y:.4f} {z:.4f} {colour}" for x, y, z in mesh.vertices.tolist()]
        lines += [f"f {a} {b} {c}" for a, b, c in (mesh.triangles + start).tolist()]
        yield ("\n".join(lines) + "\n").encode()
        start += len(mesh.vertices)


_WRITERS = {".stl": _stl, ".ply": _ply, ".obj": _obj}
