"""What is written on a picture: text, sides of the patient, scale bar, legend, orientation marker."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from vesalius.volume import FloatArray

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont, ImageFont

Colour = tuple[int, int, int]
Entry = tuple[str, Colour, str]  # of a legend: name, colour, amount

WHITE, GREY = (236, 238, 242), (158, 164, 174)
MARGIN = 20  # pixels, of what is written from the edge of its panel
_ROW = 30
_TEXT_INDENT, _AMOUNT_GAP, _LONGEST_NAME = 28, 12, 26
_SMOOTH = 4
_BAR_LENGTHS_MM = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)
_AXIS_COLOURS = ((232, 96, 88), (124, 196, 96), (96, 152, 240))


def draw_text(
    image: Image, at: tuple[float, float], text: str, size: int = 20, colour: Colour = WHITE, anchor: str = "la"
) -> None:
    """Write ``text`` with a dark seam that keeps it readable on any scan; ``anchor`` is Pillow's."""
    from PIL import ImageDraw

    ImageDraw.Draw(image).text(
        at, text, fill=colour, font=_font(size), anchor=anchor, stroke_width=2, stroke_fill=(10, 11, 14)
    )


def draw_letters(image: Image, letters: str) -> None:
    """Write the sides of the patient at the left, right, top and bottom edge."""
    across, down = image.width / 2, image.height / 2
    places = ((MARGIN, down), (image.width - MARGIN, down), (across, MARGIN), (across, image.height - MARGIN))
    for letter, at, anchor in zip(letters, places, ("lm", "rm", "mt", "mb"), strict=True):
        draw_text(image, at, letter, size=24, anchor=anchor)


def draw_scale_bar(image: Image, scale: float) -> None:
    """A bar of a round length at the lower right; a millimetre is ``scale`` pixels."""
    from PIL import ImageDraw

    fitting = [length for length in _BAR_LENGTHS_MM if length * scale <= image.width / 4]
    if not fitting:
        return
    right, bottom = image.width - MARGIN, image.height - MARGIN
    left = right - round(fitting[-1] * scale)
    draw = ImageDraw.Draw(image)
    for x0, y0, x1, y1 in (
        (left, bottom - 3, right, bottom),
        (left, bottom - 9, left + 2, bottom),
        (right - 2, bottom - 9, right, bottom),
    ):
        draw.rectangle((x0, y0, x1, y1), fill=WHITE)
    draw_text(image, ((left + right) / 2, bottom - 14), f"{fitting[-1]:g} mm", size=18, anchor="mb")


def draw_crosshair(image: Image, at: tuple[float, float]) -> None:
    """Thin lines through the place where the other two planes cut this one."""
    from PIL import Image as Images
    from PIL import ImageDraw

    lines = Images.new("L", image.size)
    draw = ImageDraw.Draw(lines)
    x, y = round(at[0]), round(at[1])
    draw.line((x, 0, x, image.height), fill=70)
    draw.line((0, y, image.width, y), fill=70)
    image.paste(Images.new("RGB", image.size, (120, 170, 220)), mask=lines)


def legend_width(entries: Sequence[Entry]) -> int:
    """Pixels that `draw_legend` needs for its longest row, with a margin on both sides."""
    return (
        round(max(_TEXT_INDENT + _length(name) + _AMOUNT_GAP + _length(amount) for name, _, amount in entries))
        + 2 * MARGIN
    )


def legend_height(entries: Sequence[Entry], at_most: int) -> int:
    """Pixels that `draw_legend` needs for its rows, ``at_most`` so many, with a margin on both sides."""
    return min(max(len(entries), 1), at_most) * _ROW + 2 * MARGIN


def draw_legend(image: Image, entries: Sequence[Entry], at: tuple[int, int], height: int) -> None:
    """Rows of colour, name and amount from ``at`` (x, y) down; what does not fit into ``height`` is counted."""
    from PIL import ImageDraw

    x, y = at
    if not entries:
        draw_text(image, at, "no label found", size=20, colour=GREY)
    fitting = height // _ROW
    shown = entries if len(entries) <= fitting else entries[: max(fitting - 1, 0)]
    for name, colour, amount in shown:
        ImageDraw.Draw(image).rounded_rectangle((x, y + 4, x + 16, y + 20), radius=4, fill=colour)
        draw_text(image, (x + _TEXT_INDENT, y + 12), _shortened(name), size=18, anchor="lm")
        after = x + _TEXT_INDENT + _length(name) + _AMOUNT_GAP
        draw_text(image, (after, y + 12), amount, size=18, colour=GREY, anchor="lm")
        y += _ROW
    if len(shown) < len(entries):
        draw_text(image, (x, y + 12), f"and {len(entries) - len(shown)} more", size=18, colour=GREY, anchor="lm")


def draw_axes(image: Image, axes: FloatArray, at: tuple[int, int], length: int = 38) -> None:
    """Show where left (L), front (A) and head (S) are; ``axes`` (3, 3) are the camera's right, down, to the viewer."""
    from PIL import Image as Images
    from PIL import ImageDraw

    side = 2 * (length + 22)
    marker = Images.new("RGBA", (side * _SMOOTH, side * _SMOOTH))
    draw = ImageDraw.Draw(marker)
    middle = np.full(2, side / 2)
    ends = axes @ np.diag([-1.0, 1.0, 1.0])  # columns: left, front, head
    for axis in np.argsort(ends[2]):
        tip = middle + length * ends[:2, axis]
        draw.line([*(middle * _SMOOTH), *(tip * _SMOOTH)], fill=_AXIS_COLOURS[axis], width=4 * _SMOOTH)
        draw.circle(tuple(tip * _SMOOTH), 3.5 * _SMOOTH, fill=_AXIS_COLOURS[axis])
    corner = (at[0] - side // 2, at[1] - side // 2)
    small = marker.resize((side, side), Images.Resampling.BOX)
    image.paste(small.convert("RGB"), corner, small.getchannel("A"))
    for axis, letter in enumerate("LAS"):
        x, y = np.array(at) + (length + 14) * ends[:2, axis] / max(float(np.linalg.norm(ends[:2, axis])), 0.4)
        draw_text(image, (float(x), float(y)), letter, size=18, anchor="mm")


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def _length(text: str) -> float:
    return _font(18).getlength(_shortened(text))


@cache
def _font(size: int) -> FreeTypeFont | ImageFont:
    """Pillow's own font: the same on every machine."""
    from PIL import ImageFont

    return ImageFont.load_default(size)
