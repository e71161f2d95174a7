"""``vesalius convert``: a scan → another format, voxels and geometry kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vesalius.errors import ScanNotFoundError

if TYPE_CHECKING:
    from vesalius.volume import Volume


def convert(
    scan: Annotated[str, typer.Argument(metavar="SCAN", help="A file, or a folder with DICOM.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Its name says the format: .nii.gz .nrrd .mha .png …")],
    series: Annotated[
        str | None,
        typer.Option(metavar="N|UID", help="Which of several: its number in `vesalius read`, or a part of its UID."),
    ] = None,
    fill_nan: Annotated[
        float | None, typer.Option(metavar="VALUE", help="Put VALUE where a voxel is not a finite number.")
    ] = None,
) -> None:
    """Write a scan in another format."""
    from vesalius.io import read, read_all, write

    volume = read(scan) if series is None else pick(read_all(scan), series)
    write(volume if fill_nan is None else filled(volume, fill_nan), out)
    typer.echo(out)


def pick(volumes: Sequence[Volume], series: str) -> Volume:
    """The volume with that number, counted from 1, or the only one whose series UID begins or ends with ``series``.

    Raises:
        ScanNotFoundError: none or several fit.
    """
    if series.isdigit() and 1 <= int(series) <= len(volumes):
        return volumes[int(series) - 1]
    uids = [volume.source.series_uid or "" for volume in volumes]
    fitting = [
        volume for volume, uid in zip(volumes, uids, strict=True) if uid.startswith(series) or uid.endswith(series)
    ]
    if len(fitting) != 1:
        raise ScanNotFoundError(
            f"{len(fitting) or 'no'} series fit --series {series}; give a number from 1 to {len(volumes)} "
            "or the beginning or end of a series UID, as `vesalius read` lists them"
        )
    return fitting[0]


def filled(volume: Volume, value: float) -> Volume:
    """``volume`` with ``value`` in place of voxels that are no finite number."""
    import numpy as np

    voxels = volume.voxels
    return replace(volume, data=np.where(np.isfinite(voxels), voxels, np.asarray(value, dtype=voxels.dtype)))
