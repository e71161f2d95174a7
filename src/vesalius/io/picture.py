"""PNG, JPEG and TIFF pictures, through Pillow.

A picture says nothing of a patient. INDEX is the picture's own: I is the column (x, to the right), J the row (y, down).
For WORLD it is taken as an axial slice looked at from the feet, as radiologists hold it, with pixels of 1 mm: columns
grow to the patient's left and rows to the back (LPS). That is also what ITK makes of a picture, and it keeps the grid
right-handed; ``source.orientation_known`` is False.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vesalius.aside import aside
from vesalius.errors import OutputError, UnsuitableScanError
from vesalius.io.arrays import narrowed, plain, storable
from vesalius.io.format import Reading, read_each, unreadable
from vesalius.volume import Array, Geometry, Source, Volume

if TYPE_CHECKING:
    from PIL.Image import Image

    from vesalius.results import Labelmap

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF"}
_STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*")
_AFFINE = np.diag([-1.0, -1.0, 1.0, 1.0])
_PNG_KINDS = ((1, "uint8"), (1, "uint16"), (3, "uint8"))
_COLOURS = ("red", "green", "blue")
_GREY_MODES = frozenset({"1", "L", "LA", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
_WITH_ALPHA = frozenset({"LA", "PA", "RGBA", "RGBa", "La"})
_COLOUR_MODES = frozenset({"P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"})
_EXIF_ORIENTATION = 0x0112


def recognises(path: Path, head: bytes) -> bool:
    """By suffix, or by the way such a file begins."""
    return path.suffix.lower() in _FORMATS or head.startswith(_STARTS)


def read(paths: Sequence[Path]) -> Reading:
    """One picture a file; see `read_one`."""
    return read_each(paths, read_one)


def read_one(path: Path) -> Volume:
    """The picture in ``path``: one grey channel, or red, green and blue. The pages of a TIFF follow each other along K.

    A camera's orientation (EXIF) is applied, a palette is resolved and transparency is left out.

    Raises:
        UnreadableScanError: damaged, or not what its name says.
        UnsuitableScanError: a colour space that is none of the usual, or pages of different sizes or kinds.
    """
    with _opened(path) as image:
        notes = _notes(image)
        pages = _page_count(path, image)
        columns, rows = _upright_size(image)
        grey = image.mode in _GREY_MODES
        if not grey and image.mode not in _COLOUR_MODES:
            raise UnsuitableScanError(f"{path} has pixels of the kind {image.mode}; convert it to grey or RGB")
    return Volume(
        partial(_read_pixels, path),
        Geometry((columns, rows, pages), _AFFINE),
        channels=("grey",) if grey else _COLOURS,
        source=Source((str(path),), image.format or "", orientation_known=False),
        notes=notes,
    )


def write(item: Volume | Labelmap, path: Path) -> None:
    """Write a grey or colour picture (K = 1) as PNG, its columns to the right and its rows downwards.

    A labelmap of at most 8 bits gets its labels' colours as a palette: viewers show these, the pixels hold the labels.

    Raises:
        OutputError: ``item`` is three-dimensional, of another number of channels, or not of 8- or 16-bit integers.
    """
    from PIL import Image

    array = storable(item.voxels) if isinstance(item, Volume) else narrowed(item.voxels)[np.newaxis]
    depth = array.shape[3]
    if depth != 1:
        raise OutputError(f"{path} cannot hold a scan of {depth} slices; write .nii.gz, .nrrd or .mha")
    if (len(array), array.dtype.name) not in _PNG_KINDS:
        raise OutputError(
            f"{path} cannot hold {len(array)} channels of {array.dtype}; a PNG is grey of 8 or 16 bits or colour of 8: "
            "write .nii.gz, .nrrd or .mha"
        )
    pixels = np.ascontiguousarray(array[0, :, :, 0].T if len(array) == 1 else array[..., 0].transpose(2, 1, 0))
    image = Image.fromarray(pixels)
    if not isinstance(item, Volume) and pixels.dtype == np.uint8:
        image.putpalette(_palette(item))
    with aside(path) as temporary:
        image.save(temporary, format="PNG")


def _palette(labelmap: Labelmap) -> bytes:
    """256 colours, red, green and blue; what no label names is black."""
    colours = np.zeros((256, 3), np.uint8)
    for value, label in labelmap.labels.items():
        if value < len(colours):
            colours[value] = label.rgb
    return colours.tobytes()


@contextmanager
def _opened(path: Path) -> Iterator[Image]:
    """Pillow's image; what goes wrong with it becomes our error."""
    from PIL import Image

    try:
        # A stream, not the path: Pillow maps a path's file and scrambles a TIFF that lies on its side (Pillow 13.0).
        with path.open("rb") as stream, Image.open(stream, formats=("PNG", "JPEG", "TIFF")) as image:
            yield image
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise unreadable(path, error) from error


def _page_count(path: Path, image: Image) -> int:
    count = getattr(image, "n_frames", 1)
    kinds = set()
    for page in range(count):
        image.seek(page)
        kinds.add((_upright_size(image), image.mode))
    image.seek(0)
    if len(kinds) > 1:
        raise UnsuitableScanError(f"the {count} pages of {path} differ in size or kind; split it into single pictures")
    return count


def _upright_size(image: Image) -> tuple[int, int]:
    """Columns and rows once it is turned the way the camera was held. Pillow has already turned a TIFF's size."""
    width, height = image.size
    sideways = image.format != "TIFF" and image.getexif().get(_EXIF_ORIENTATION, 1) in (5, 6, 7, 8)
    return (height, width) if sideways else (width, height)


def _notes(image: Image) -> tuple[str, ...]:
    notes = []
    if image.mode in _WITH_ALPHA or "transparency" in image.info:
        notes.append("the picture's transparency was left out")
    if image.mode.startswith("RGB") and any(";16" in str(tile[3]) for tile in getattr(image, "tile", ())):
        notes.append("the picture has 16 bits a colour; 8 of them are read")
    return tuple(notes)


def _read_pixels(path: Path) -> Array:
    """(C, I, J, K)."""
    with _opened(path) as image:
        pages = []
        for page in range(getattr(image, "n_frames", 1)):
            image.seek(page)
            pages.append(_page(image))
    return np.stack(pages, axis=-1)


def _page(image: Image) -> Array:
    """(C, I, J)."""
    from PIL import ImageOps

    upright: Any = ImageOps.exif_transpose(image)
    if upright.mode not in _GREY_MODES:
        return np.asarray(upright.convert("RGB")).transpose(2, 1, 0)
    if upright.mode in ("1", "LA"):
        upright = upright.convert("L")
    return plain(np.asarray(upright)).T[np.newaxis]
