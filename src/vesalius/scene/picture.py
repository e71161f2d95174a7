"""One picture of a result: three planes with outlines, and the surfaces in 3D. Drawn with numpy and Pillow alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from vesalius.results import Labelmap
from vesalius.scene import annotate
from vesalius.scene.mesh import Mesh
from vesalius.scene.planes import Plane, draw_labels, draw_scan, grey_window
from vesalius.scene.render import Camera, render
from vesalius.scene.texture import brightness_beneath
from vesalius.volume import FloatArray, Geometry, Volume

if TYPE_CHECKING:
    from PIL.Image import Image

_WIDTH, _HEIGHT, _TITLE_HEIGHT, _GAP = 1600, 1200, 64, 4
_FEW = 5  # labels, whose legend fits into the corner beside the meshes
_MOST_IN_STRIP = 8  # labels in the legend below a slice
_BACKGROUND = (14, 16, 20)
_FROM_FRONT_LEFT_ABOVE = (-0.75, 0.85, 0.4)
_DARK, _SPARSE, _FRAME_MM = 0.15, 3, 8.0
_OPPOSITE = dict(zip("RLAPSI", "LRPAIS", strict=True))

# Radiological convention: the patient faces the reader, so the patient's right is on the left.
_RIGHT, _ANTERIOR, _SUPERIOR = np.eye(3)
_VIEWS = (
    ("Axial", -_RIGHT, -_ANTERIOR, "RLAP", 2),
    ("Coronal", -_RIGHT, -_SUPERIOR, "RLSI", 1),
    ("Sagittal", -_ANTERIOR, -_SUPERIOR, "APSI", 0),
)


def draw_picture(
    volume: Volume, labelmap: Labelmap | None, meshes: Mapping[int, Mesh], title: str | None = None
) -> Image:
    """A 1600×1200 RGB picture of a scan and its labels.

    Axial, coronal and sagittal planes lie along the patient's axes, whatever the scan's grid, through the middle of the
    labels, at one scale, in radiological convention. Beside them the ``meshes`` are seen from the patient's front
    left; a single label is shaded by the scan just beneath its surface. A scan of one slice fills the picture as it is;
    where it has labels it is there twice, bare and with their outlines. That picture may be less than 1200 high.

    Args:
        volume: the scan; three channels are red, green, blue, of others the first is shown.
        labelmap: on the scan's geometry; None where there is only a scan to show.
        meshes: label value → surface; empty where there is none to show.
        title: written above.
    """
    from PIL import Image

    canvas = Image.new("RGB", (_WIDTH, _HEIGHT), _BACKGROUND)
    top = 0
    if title is not None:
        top = _TITLE_HEIGHT
        annotate.draw_text(canvas, (annotate.MARGIN, top / 2), title, size=28, anchor="lm")
    if volume.geometry.shape[2] == 1:
        return canvas.crop((0, 0, _WIDTH, _draw_slice(canvas, volume, labelmap, top)))
    _draw_planes_and_solid(canvas, volume, labelmap, meshes, top)
    return canvas


def _draw_planes_and_solid(
    canvas: Image, volume: Volume, labelmap: Labelmap | None, meshes: Mapping[int, Mesh], top: int
) -> None:
    width, height = (_WIDTH - _GAP) // 2, (_HEIGHT - top - _GAP) // 2
    places = ((0, top), (width + _GAP, top), (0, top + height + _GAP))
    with ThreadPoolExecutor(max_workers=1) as beside:  # most of their time both leave Python free
        solid = beside.submit(_solid, volume, labelmap, meshes, width, height)
        for panel, place in zip(_planes(volume, labelmap, width, height), places, strict=True):
            canvas.paste(panel, place)
        canvas.paste(solid.result(), (width + _GAP, top + height + _GAP))


def _planes(volume: Volume, labelmap: Labelmap | None, width: int, height: int) -> Iterator[Image]:
    """The three panels of planes through the middle of the labels, in the order of `_VIEWS`."""
    window = grey_window(volume)
    low, high = _field(volume, labelmap, window)
    centre = _centre(volume.geometry, labelmap)
    scale = _common_scale(high - low, width, height)
    for name, right, down, letters, normal in _VIEWS:
        middle = (low + high) / 2
        middle[normal] = centre[normal]
        plane = Plane(right, down, middle, width, height, scale)
        panel = _panel(draw_scan(volume, plane, window), labelmap, plane)
        if volume.source.orientation_known:
            annotate.draw_letters(panel, letters)
        annotate.draw_crosshair(panel, plane.locate(centre))
        annotate.draw_scale_bar(panel, scale)
        caption = f"{name}  {'xyz'[normal]} = {centre[normal]:.0f} mm"
        annotate.draw_text(panel, (annotate.MARGIN, annotate.MARGIN), caption, size=18, colour=annotate.GREY)
        yield panel


def _draw_slice(canvas: Image, volume: Volume, labelmap: Labelmap | None, top: int) -> int:
    """The one slice as it is stored, I to the right and J down; of labels, bare and with them, and their legend.

    Returns the row below which nothing is drawn.
    """
    legend = [] if labelmap is None else _legend(labelmap)
    strip = 0 if labelmap is None else annotate.legend_height(legend, _MOST_IN_STRIP)
    width = _WIDTH if labelmap is None else (_WIDTH - _GAP) // 2
    plane = _slice_plane(volume.geometry, width, _HEIGHT - top - strip)
    bare = draw_scan(volume, plane, grey_window(volume))
    for number, labels in enumerate((None,) if labelmap is None else (None, labelmap)):
        panel = _panel(bare, labels, plane)
        if volume.source.orientation_known:
            right, bottom = volume.geometry.orientation[0], volume.geometry.orientation[1]
            annotate.draw_letters(panel, _OPPOSITE[right] + right + _OPPOSITE[bottom] + bottom)
            annotate.draw_scale_bar(panel, plane.scale)
        canvas.paste(panel, (number * (plane.width + _GAP), top))
    bottom_row = top + plane.height + strip
    if labelmap is not None:
        corner = annotate.MARGIN, bottom_row - strip + annotate.MARGIN
        annotate.draw_legend(canvas, legend, corner, strip - 2 * annotate.MARGIN)
    return bottom_row


def _slice_plane(geometry: Geometry, width: int, height: int) -> Plane:
    """The slice at the largest scale that fits, no higher than it is."""
    scale = min(width / geometry.extent[0], height / geometry.extent[1])
    middle = geometry.to_world((np.asarray(geometry.shape) - 1) / 2)
    high = min(height, math.ceil(geometry.extent[1] * scale))
    return Plane(geometry.directions[:, 0], geometry.directions[:, 1], middle, width, high, scale)


def _panel(scan: FloatArray, labelmap: Labelmap | None, plane: Plane) -> Image:
    """``scan`` (H, W, 3), 0 to 1, with the labels over it, as an image."""
    from PIL import Image

    pixels = scan
    if labelmap is not None:
        pixels = scan.copy()
        draw_labels(pixels, labelmap, plane)
    return Image.fromarray(np.rint(255 * pixels).astype(np.uint8))


def _solid(volume: Volume, labelmap: Labelmap | None, meshes: Mapping[int, Mesh], width: int, height: int) -> Image:
    """The panel with the legend and the meshes, side by side where the legend is long."""
    from PIL import Image

    panel = Image.new("RGB", (width, height), _BACKGROUND)
    if labelmap is None:
        return panel
    entries = _legend(labelmap)
    if meshes:
        left = annotate.legend_width(entries) if len(entries) > _FEW else 0
        vertices = np.concatenate([mesh.vertices for mesh in meshes.values()])
        camera = Camera.around(vertices, _FROM_FRONT_LEFT_ABOVE, width - left, height)
        texture = {value: brightness_beneath(volume, mesh) for value, mesh in meshes.items() if len(meshes) == 1}
        seen = Image.fromarray(render(meshes, {value: labelmap.labels[value].rgb for value in meshes}, camera, texture))
        panel.paste(seen.convert("RGB"), (left, 0), seen.getchannel("A"))
        if volume.source.orientation_known:
            annotate.draw_axes(panel, camera.axes, (width - 80, height - 80))
    annotate.draw_legend(panel, entries, (annotate.MARGIN, annotate.MARGIN), height - 2 * annotate.MARGIN)
    return panel


def _legend(labelmap: Labelmap) -> list[annotate.Entry]:
    """Name, colour and volume of the labels, the largest first; in a flat picture their share of it."""
    found = [(count, labelmap.labels[value]) for value, count in labelmap.counts.items()]
    found.sort(key=lambda item: -item[0])
    flat = labelmap.geometry.shape[2] == 1
    unit, name = (labelmap.voxels.size / 100, "%") if flat else (1000 / labelmap.geometry.voxel_volume, "ml")
    return [(label.name, label.rgb, _amount(count / unit, name)) for count, label in found]


def _amount(value: float, unit: str) -> str:
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"


def _field(volume: Volume, labelmap: Labelmap | None, window: tuple[float, float]) -> tuple[FloatArray, FloatArray]:
    """Low and high corner, WORLD mm, of a box around what is worth showing: all that is not dark, and the labels."""
    low, high = window
    worth = volume.voxels[0, ::_SPARSE, ::_SPARSE, ::_SPARSE] > low + _DARK * (high - low)
    if labelmap is not None:
        worth |= labelmap.voxels[::_SPARSE, ::_SPARSE, ::_SPARSE] != 0
    if not worth.any():
        worth = np.ones_like(worth)
    centre = _centre(volume.geometry, labelmap)
    world = np.vstack([volume.geometry.to_world(_SPARSE * np.argwhere(worth)), centre])
    return world.min(axis=0) - _FRAME_MM, world.max(axis=0) + _FRAME_MM


def _common_scale(extent: FloatArray, width: int, height: int) -> float:
    """Pixels a millimetre, such that each of the three planes fits into its panel."""
    x, y, z = extent
    return float(min(width / max(x, y), height / max(y, z)))


def _centre(geometry: Geometry, labelmap: Labelmap | None) -> FloatArray:
    """Centre of mass, WORLD mm, of all labels together, on a voxel's centre; of the grid where there is none."""
    middle = (np.asarray(geometry.shape) - 1) / 2
    if labelmap is not None:
        occupied = labelmap.voxels != 0
        profiles = [np.count_nonzero(occupied, axis=tuple({0, 1, 2} - {axis})) for axis in range(3)]
        if profiles[0].any():
            middle = np.array([np.average(np.arange(len(profile)), weights=profile) for profile in profiles])
    return geometry.to_world(np.rint(middle))
