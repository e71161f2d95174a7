"""Meshes to a picture of them, as seen from a direction in the patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vesalius.scene.mesh import Mesh
from vesalius.scene.raster import Fragments, rasterize
from vesalius.scene.shading import light, openness, to_linear, to_srgb
from vesalius.volume import Array, FloatArray

_SUPERSAMPLING = 2
_MARGIN = 0.04  # of the picture's smaller side


@dataclass(frozen=True, eq=False)
class Camera:
    """An orthographic view: ``axes`` (3, 3) has the rows right, down and to the viewer, unit vectors in WORLD.

    ``centre`` (3), WORLD mm, is in the middle of the picture; a millimetre is ``scale`` pixels.
    """

    axes: FloatArray
    centre: FloatArray
    scale: float
    width: int
    height: int

    @classmethod
    def around(cls, points: FloatArray, towards: Sequence[float], width: int, height: int) -> Camera:
        """Looks from ``towards`` (3, WORLD direction), the patient's head up, at all of the points (N, 3)."""
        viewer = np.asarray(towards, dtype=float) / np.linalg.norm(towards)
        right = np.cross((0.0, 0.0, 1.0), viewer)
        right /= np.linalg.norm(right)
        axes = np.stack([right, np.cross(right, viewer), viewer])
        seen = points @ axes.T
        low, high = seen.min(axis=0), seen.max(axis=0)
        free = np.array([width, height]) - 2 * _MARGIN * min(width, height)
        scale = float(np.min(free / np.maximum(high - low, 1e-6)[:2]))
        return cls(axes, axes.T @ ((low + high) / 2), scale, width, height)

    def project(self, points: FloatArray) -> FloatArray:
        """WORLD points (N, 3) → camera space: column, row, and nearness, in pixels."""
        middle = np.array([self.width / 2, self.height / 2, 0.0])
        projected: FloatArray = (points - self.centre) @ (self.axes.T * self.scale) + middle
        return projected


def render(
    meshes: Mapping[int, Mesh],
    colours: Mapping[int, tuple[int, int, int]],
    camera: Camera,
    brightness: Mapping[int, Array] | None = None,
) -> Array:
    """(H, W, 4) uint8, sRGB and opacity: the meshes, lit, in their ``colours`` (0 to 255).

    Args:
        meshes: label value → surface; at least one.
        colours: of each mesh.
        camera: where from.
        brightness: factor per vertex (V,) on the light from a mesh, for those that have a texture.
    """
    fine = Camera(camera.axes, camera.centre, camera.scale * _SUPERSAMPLING, *_fine_size(camera))
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes.values())])
    points = fine.project(np.concatenate([mesh.vertices for mesh in meshes.values()]))
    triangles = np.concatenate([mesh.triangles + start for mesh, start in zip(meshes.values(), starts, strict=False)])
    seen = rasterize(points, triangles, fine.width, fine.height)
    surface = np.concatenate([_surface(mesh, camera, (brightness or {}).get(value)) for value, mesh in meshes.items()])
    at = sum(seen.weight[:, corner, None] * surface[triangles[seen.triangle, corner]] for corner in range(3))
    normal = at[:, :3] / np.maximum(np.linalg.norm(at[:, :3], axis=1, keepdims=True), 1e-6)
    owner = np.repeat(np.arange(len(meshes)), [len(mesh.triangles) for mesh in meshes.values()])[seen.triangle]
    albedo = to_linear(np.array([colours[value] for value in meshes]) / 255).astype(np.float32)[owner]
    return _developed(light(albedo, normal, _openness(seen, fine)) * at[:, 3:], seen, fine)


def _fine_size(camera: Camera) -> tuple[int, int]:
    return camera.width * _SUPERSAMPLING, camera.height * _SUPERSAMPLING


def _surface(mesh: Mesh, camera: Camera, brightness: Array | None) -> Array:
    """(V, 4) float32: normal in camera axes, and brightness."""
    surface = np.ones((len(mesh.vertices), 4), np.float32)
    surface[:, :3] = mesh.normals() @ camera.axes.T
    if brightness is not None:
        surface[:, 3] = brightness
    return surface


def _openness(seen: Fragments, fine: Camera) -> Array:
    """Per fragment; looked for in the picture's own pixels, not in the finer ones."""
    depth = np.full(fine.width * fine.height, -np.inf, np.float32)
    depth[seen.pixel] = seen.depth / _SUPERSAMPLING
    grid = depth.reshape(fine.height, fine.width)[::_SUPERSAMPLING, ::_SUPERSAMPLING]
    row, column = np.divmod(seen.pixel, fine.width)
    sky: Array = openness(grid)[row // _SUPERSAMPLING, column // _SUPERSAMPLING]
    return sky


def _developed(colour: Array, seen: Fragments, fine: Camera) -> Array:
    """Averages the finer pixels, in linear light, and turns them into sRGB with opacity."""
    pixels = np.zeros((fine.width * fine.height, 4), np.float32)
    pixels[seen.pixel, :3] = np.minimum(colour, 1)
    pixels[seen.pixel, 3] = 1
    s = _SUPERSAMPLING
    canvas = pixels.reshape(fine.height, fine.width, 4)
    coarse = np.zeros((fine.height // s, fine.width // s, 4), np.float32)
    for row, column in np.ndindex(s, s):
        coarse += canvas[row::s, column::s] / s**2
    opacity = coarse[..., 3:]
    coarse[..., :3] = to_srgb(coarse[..., :3] / np.maximum(opacity, 1e-6))
    return np.rint(255 * coarse).astype(np.uint8)
