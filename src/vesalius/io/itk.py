"""NRRD (.nrrd, .nhdr) and MetaImage (.mha, .mhd), through SimpleITK. ITK counts in LPS; here it ends."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vesalius.aside import aside, write_error
from vesalius.errors import GeometryError, InputError, UnsuitableScanError
from vesalius.io.arrays import narrowed, plain, storable
from vesalius.io.format import Reading, read_each, unreadable
from vesalius.volume import Array, FloatArray, Geometry, Source, Volume

if TYPE_CHECKING:
    from vesalius.results import Labelmap

_IMAGE_IO = {".nrrd": "NrrdImageIO", ".nhdr": "NrrdImageIO", ".mha": "MetaImageIO", ".mhd": "MetaImageIO"}
_FORMAT = {"NrrdImageIO": "NRRD", "MetaImageIO": "MetaImage"}
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_FAST = 1  # the level of compression that costs least time


def recognises(path: Path, head: bytes) -> bool:
    """By suffix, or by NRRD's magic string."""
    return path.suffix.lower() in _IMAGE_IO or head.startswith(b"NRRD000")


def read(paths: Sequence[Path]) -> Reading:
    """One scan a file; see `read_one`."""
    return read_each(paths, read_one)


def read_one(path: Path) -> Volume:
    """The scan in ``path``. The parts of a vector, and the frames of a 4D image, are its channels.

    Raises:
        UnreadableScanError: damaged, or not what its name says.
        GeometryError: spacing or direction is zero, singular or not finite.
        UnsuitableScanError: it holds complex numbers, or vectors in four dimensions.
    """
    reader = _reader(path)
    channels = _channels(path, reader)
    notes = _orientation_notes(reader)
    return Volume(
        partial(_read_voxels, path),
        _geometry(path, reader),
        channels=channels,
        source=Source((str(path),), _FORMAT[reader.GetImageIO()], orientation_known=not notes),
        notes=notes,
    )


def write(item: Volume | Labelmap, path: Path) -> None:
    """Write ``item``, compressed; several channels become the parts of a vector."""
    import SimpleITK as sitk

    image = _image(item)
    with aside(path) as temporary:
        writer = sitk.ImageFileWriter()
        writer.SetFileName(str(temporary))
        writer.UseCompressionOn()
        writer.SetCompressionLevel(_FAST)
        try:
            writer.Execute(image)
            # ITK does not notice when the last buffer of a file found no room, so that only reading tells.
            sitk.ReadImage(str(temporary))
        except RuntimeError as error:
            raise write_error(path, RuntimeError(_reason(error))) from error


def _reader(path: Path) -> Any:
    """SimpleITK's reader, the header read and the voxels not."""
    import SimpleITK as sitk

    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.SetImageIO(_IMAGE_IO.get(path.suffix.lower(), "NrrdImageIO"))
    path.open("rb").close()  # ITK does not tell a missing file from a damaged one
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise _reading_error(path, error) from error
    return reader


def _channels(path: Path, reader: Any) -> tuple[str, ...]:
    import SimpleITK as sitk

    if "complex" in sitk.GetPixelIDValueAsString(reader.GetPixelIDValue()):
        raise UnsuitableScanError(f"{path} holds complex numbers; convert it to magnitude first")
    size, parts = reader.GetSize(), reader.GetNumberOfComponents()
    frames = size[3] if len(size) > 3 else 1
    if len(size) not in (2, 3, 4) or (frames > 1 and parts > 1):
        raise UnsuitableScanError(f"{path} has the size {size} of {parts} parts each; split it into frames of 3D")
    if parts > 1:
        return tuple(f"c{n}" for n in range(parts))
    return ("image",) if frames == 1 else tuple(f"t{n}" for n in range(frames))


def _orientation_notes(reader: Any) -> tuple[str, ...]:
    """A NRRD that names no anatomical space is taken as LPS, as ITK does, and the reader is told."""
    is_nrrd = reader.GetImageIO() == "NrrdImageIO"
    named = reader.HasMetaDataKey("NRRD_space") and "left" in reader.GetMetaData("NRRD_space")
    if not is_nrrd or named:
        return ()
    return ("the file names no anatomical space; it is taken as left-posterior-superior, which is a guess",)


def _geometry(path: Path, reader: Any) -> Geometry:
    dimension = reader.GetDimension()
    spatial = min(dimension, 3)
    direction = np.asarray(reader.GetDirection()).reshape(dimension, dimension)[:spatial, :spatial]
    affine = np.eye(4)
    affine[:spatial, :spatial] = direction * np.asarray(reader.GetSpacing()[:spatial])
    affine[:spatial, 3] = reader.GetOrigin()[:spatial]
    i, j, k = (*reader.GetSize(), 1)[:3]
    try:
        return Geometry((i, j, k), _LPS_TO_RAS @ affine)
    except GeometryError as error:
        raise _bad_geometry(path, str(error)) from error


def _read_voxels(path: Path) -> Array:
    """(C, I, J, K)."""
    import SimpleITK as sitk

    try:
        image = _reader(path).Execute()
    except RuntimeError as error:
        raise _reading_error(path, error) from error
    array = plain(sitk.GetArrayFromImage(image))
    if image.GetNumberOfComponentsPerPixel() > 1:
        array = np.moveaxis(array, -1, 0)
    elif image.GetDimension() < 4:
        array = array[np.newaxis]
    if image.GetDimension() == 2:
        array = array[:, np.newaxis]
    return array.transpose(0, 3, 2, 1)


def _image(item: Volume | Labelmap) -> Any:
    """``item`` as a SimpleITK image, in LPS."""
    import SimpleITK as sitk

    array = storable(item.voxels) if isinstance(item, Volume) else narrowed(item.voxels)[np.newaxis]
    if len(array) == 1:
        image = sitk.GetImageFromArray(np.ascontiguousarray(array[0].T))
    else:
        image = sitk.GetImageFromArray(np.ascontiguousarray(array.transpose(3, 2, 1, 0)), isVector=True)
    affine: FloatArray = _LPS_TO_RAS @ item.geometry.affine
    image.SetSpacing(item.geometry.spacing)
    image.SetDirection((affine[:3, :3] / np.asarray(item.geometry.spacing)).ravel().tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    return image


def _reading_error(path: Path, error: RuntimeError) -> InputError:
    reason = _reason(error)
    if "spacing is not supported" in reason or "Bad direction" in reason or "space direction" in str(error):
        return _bad_geometry(path, reason)
    return unreadable(path, reason)


def _bad_geometry(path: Path, reason: str) -> GeometryError:
    return GeometryError(f"{path} does not say where its voxels lie: {reason}; convert the scan again from its origin")


def _reason(error: RuntimeError) -> str:
    """What ITK complains about, without the place in its own source that it begins with."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and "Exception thrown" not in line]
    text = lines[-1] if lines and lines[-1].startswith("[nrrd]") else next(iter(lines), "")
    return re.sub(r"^(\[nrrd\] \w+:|(ITK|sitk::)\s?ERROR: (\w+\(0x\w+\):)?)\s*", "", text)
