"""Meshes as one binary glTF 2.0 file (ISO/IEC 12113), as browsers, headsets and 3D tools read it.

glTF is right-handed, in metres, with +Y up, +Z to the front and so -X to the right. A patient who stands in it looks at
the viewer: x = -R, y = S, z = A, each a thousandth of the millimetres of WORLD (RAS+). That is a rotation and a change
of unit, no mirroring. The way back is written into the file as the scene's and every node's ``extras.to_ras_mm``, a
4×4 matrix by rows.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vesalius.aside import aside
from vesalius.results import Label
from vesalius.scene.mesh import Mesh
from vesalius.volume import Array

RAS_MM_TO_GLTF = np.array([[-1e-3, 0, 0, 0], [0, 0, 1e-3, 0], [0, 1e-3, 0, 0], [0, 0, 0, 1]])
GLTF_TO_RAS_MM = np.array([[-1e3, 0, 0, 0], [0, 0, 1e3, 0], [0, 1e3, 0, 0], [0, 0, 0, 1]])

_FLOAT, _UNSIGNED_INT = 5126, 5125
_ARRAY_BUFFER, _ELEMENT_ARRAY_BUFFER = 34962, 34963
_JSON_CHUNK, _BINARY_CHUNK = 0x4E4F534A, 0x004E4942


def write_glb(meshes: Mapping[int, Mesh], labels: Mapping[int, Label], path: Path) -> None:
    """Write each mesh as a node with a material, both named as its label, in the label's colour.

    Args:
        meshes: label value → surface in WORLD mm RAS+.
        labels: label value → name and colour, for every value in ``meshes``.
        path: the .glb file.

    Raises:
        OutputError: the file cannot be written.
    """
    builder = _Builder()
    for value, mesh in meshes.items():
        builder.add(value, labels[value], mesh)
    with aside(path) as temporary, temporary.open("wb") as file:
        file.writelines(builder.chunks())


class _Builder:
    """Collects the arrays of a glTF and the JSON that describes them."""

    def __init__(self) -> None:
        self.blobs: list[bytes] = []
        self.lists: dict[str, list[Any]] = {
            "nodes": [],
            "meshes": [],
            "materials": [],
            "accessors": [],
            "bufferViews": [],
        }

    def add(self, value: int, label: Label, mesh: Mesh) -> None:
        turn = RAS_MM_TO_GLTF[:3, :3]
        points = (mesh.vertices @ turn.T).astype("<f4")
        normals = (mesh.normals() @ (turn.T * 1e3)).astype("<f4")
        bounds = {"min": points.min(axis=0).tolist(), "max": points.max(axis=0).tolist()}
        primitive = {
            "attributes": {
                "POSITION": self._accessor(points, "VEC3", _FLOAT, _ARRAY_BUFFER, bounds),
                "NORMAL": self._accessor(normals, "VEC3", _FLOAT, _ARRAY_BUFFER),
            },
            "indices": self._accessor(
                mesh.triangles.astype("<u4").reshape(-1), "SCALAR", _UNSIGNED_INT, _ELEMENT_ARRAY_BUFFER
            ),
            "material": self._append("materials", _material(label)),
        }
        extras: dict[str, Any] = {"label": value, "to_ras_mm": GLTF_TO_RAS_MM.tolist()}
        if label.code is not None:
            extras["code"] = label.code.model_dump()
        index = self._append("meshes", {"name": label.name, "primitives": [primitive]})
        self._append("nodes", {"name": label.name, "mesh": index, "extras": extras})

    def chunks(self) -> list[bytes]:
        """The file: header, JSON chunk, and the binary chunk unless there are no arrays."""
        binary = b"".join(self.blobs)
        scene: dict[str, Any] = {"name": "Vesalius", "extras": {"to_ras_mm": GLTF_TO_RAS_MM.tolist()}}
        document: dict[str, Any] = {"asset": {"version": "2.0", "generator": "Vesalius"}, "scene": 0, "scenes": [scene]}
        if binary:
            scene["nodes"] = list(range(len(self.lists["nodes"])))
            document |= self.lists | {"buffers": [{"byteLength": len(binary)}]}
        text = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
        text += b" " * (-len(text) % 4)
        body = [struct.pack("<II", len(text), _JSON_CHUNK), text]
        if binary:
            body += [struct.pack("<II", len(binary), _BINARY_CHUNK), binary]
        return [struct.pack("<4sII", b"glTF", 2, 12 + sum(map(len, body))), *body]

    def _accessor(
        self, array: Array, kind: str, component: int, target: int, bounds: dict[str, Any] | None = None
    ) -> int:
        data = array.tobytes()
        offset = sum(map(len, self.blobs))
        self.blobs.append(data)
        view = {"buffer": 0, "byteOffset": offset, "byteLength": len(data), "target": target}
        accessor = {
            "bufferView": self._append("bufferViews", view),
            "componentType": component,
            "count": len(array),
            "type": kind,
        }
        return self._append("accessors", accessor | (bounds or {}))

    def _append(self, kind: str, item: dict[str, Any]) -> int:
        self.lists[kind].append(item)
        return len(self.lists[kind]) - 1


def _material(label: Label) -> dict[str, Any]:
    """A matt surface; glTF wants the colour linear, the label's is sRGB (IEC 61966-2-1)."""
    srgb = np.array(label.rgb) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return {
        "name": label.name,
        "pbrMetallicRoughness": {
            "baseColorFactor": [*linear.round(6).tolist(), 1.0],
            "metallicFactor": 0.0,
            "roughnessFactor": 0.6,
        },
    }
