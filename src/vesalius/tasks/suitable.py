"""Whether a model can take a scan, and in what form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vesalius.errors import UnsuitableScanError
from vesalius.models.spec import ModelSpec, WindowIntensity
from vesalius.volume import Shape, Volume

_COLOURS = ("red", "green", "blue")
_DEEP_FORMATS = {"PNG", "TIFF"}
_DEEP_TO_BYTE = np.float32(65535 / 255)  # 257, as the PNG standard scales samples


def suited(spec: ModelSpec, volume: Volume) -> Volume:
    """``volume`` as the model takes it, with a note of what was changed; its grid stays as it is.

    A grey picture that is stored in colour, as many a radiograph is, becomes grey. A picture of 16 bits becomes one of
    8 where the model counts in those.

    Raises:
        UnsuitableScanError: the model cannot take it; with what is wrong and what to do.
    """
    if len(spec.channels) == 1 and volume.channels == _COLOURS:
        volume = _grey(spec, volume)
    check_suitable(spec, volume)
    window = spec.network.intensity
    if isinstance(window, WindowIntensity) and window.high <= 255 and _is_deep(volume):
        note = "the picture has 16 bits a pixel; its values were divided by 257, to the 8 bits that the model takes"
        return replace(volume, data=volume.voxels / _DEEP_TO_BYTE, notes=(*volume.notes, note))
    return volume


def check_suitable(spec: ModelSpec, volume: Volume) -> None:
    """Refuse a scan that the model cannot take as it is.

    Raises:
        UnsuitableScanError: with what is wrong and what to do.
    """
    if len(volume.channels) != len(spec.channels):
        raise UnsuitableScanError(_wrong_channels(spec, volume))
    _check_slices(spec, volume)
    bad = volume.voxels.size - int(np.isfinite(volume.voxels).sum()) if volume.voxels.dtype.kind == "f" else 0
    if bad:
        raise UnsuitableScanError(
            f"{bad} of the scan's {volume.voxels.size} voxels are not a number (NaN or infinite); find out why, or "
            "replace them with: vesalius convert SCAN OUT --fill-nan 0"
        )


def _grey(spec: ModelSpec, volume: Volume) -> Volume:
    """The one channel of a picture whose red, green and blue are equal."""
    red, green, blue = volume.voxels
    if not (np.array_equal(red, green) and np.array_equal(red, blue)):
        raise UnsuitableScanError(
            f"the model {spec.name!r} takes a grey image, this picture is in colour (its channels red, green and blue "
            "differ); give it the grey original, or convert it to grey first"
        )
    note = "the picture is stored in colour, but its channels are equal; it was read as grey"
    return replace(volume, data=volume.voxels[:1], channels=("grey",), notes=(*volume.notes, note))


def _is_deep(volume: Volume) -> bool:
    return volume.source.format in _DEEP_FORMATS and volume.voxels.dtype == np.uint16


def _wrong_channels(spec: ModelSpec, volume: Volume) -> str:
    has = f"{', '.join(volume.channels[:4])}{', …' if len(volume.channels) > 4 else ''}"
    message = (
        f"the model {spec.name!r} takes {len(spec.channels)} channel(s) ({', '.join(spec.channels)}), the scan has "
        f"{len(volume.channels)} ({has})"
    )
    if spec.channels == _COLOURS and len(volume.channels) == 1:
        return f"{message}: it is grey; give it the picture in colour"
    return f"{message}; give it a scan of {len(spec.channels)}"


def _check_slices(spec: ModelSpec, volume: Volume) -> None:
    """Hold the scan's axes, as the network sees them, against those of its tile: one slice, or many of them."""
    shape, tile = volume.geometry.reoriented(spec.orientation).shape, _tile(spec)
    size = "×".join(str(n) for n in volume.geometry.shape)
    if any(n == 1 and seen > 1 for n, seen in zip(shape, tile, strict=True)):
        takes = "a 3D scan" if min(tile) > 1 else f"slices with the axes {spec.orientation[:2]}"
        raise UnsuitableScanError(f"the model {spec.name!r} takes {takes}, this one is a single slice of {size} voxels")
    if spec.network.grid.kind == "whole" and any(n > 1 and seen == 1 for n, seen in zip(shape, tile, strict=True)):
        raise UnsuitableScanError(
            f"the model {spec.name!r} takes a single picture, this scan has {size} voxels; give it one slice"
        )


def _tile(spec: ModelSpec) -> Shape:
    grid = spec.network.grid
    return grid.size if grid.kind == "whole" else grid.patch
