"""The files of an analysis: labelmap, scene, picture, page and report."""

from __future__ import annotations

import contextlib
import importlib
import io
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from vesalius.engine.progress import Progress
from vesalius.errors import MissingExtraError
from vesalius.io import write
from vesalius.io.report_html import write_report_html
from vesalius.io.report_json import write_report_json
from vesalius.results import Labelmap, Report, Warning
from vesalius.scene.glb import write_glb
from vesalius.scene.mesh import Mesh, extract_meshes
from vesalius.scene.picture import draw_picture
from vesalius.volume import Volume

_NEEDED_LATER = ("SimpleITK", "vtkmodules.vtkFiltersCore", "vtkmodules.util.numpy_support", "PIL.ImageDraw", "jinja2")
_FAST_PNG = 1  # zlib level: a third of the time of the default for a tenth more bytes


@dataclass(frozen=True)
class Drawing:
    """The picture (PNG), the files written with it by kind, and what the reader must know about them."""

    picture: bytes
    files: dict[str, str]
    warnings: tuple[Warning, ...]


def import_ahead() -> None:
    """Import what drawing and writing will need, at a time when the caller would only wait."""
    for module in _NEEDED_LATER:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)


def draw_results(volume: Volume, labelmap: Labelmap, folder: Path, helper: Executor, progress: Progress) -> Drawing:
    """Write segmentation.nii.gz, scene.glb and scene.png into ``folder``, which exists.

    What ``helper`` can write meanwhile it does. Without the extra ``view`` there is no mesh: the picture then shows the
    planes only, and a warning says why.

    Raises:
        OutputError, NotEnoughDiskError: it cannot be written there.
    """
    files, warnings = {"segmentation": "segmentation.nii.gz"}, []
    written = [helper.submit(write, labelmap, folder / files["segmentation"])]
    meshes: dict[int, Mesh] = {}
    try:
        with progress.stage("meshes"):
            meshes = extract_meshes(labelmap)
    except MissingExtraError as error:
        warnings.append(Warning(code="no-3d", message=f"the three-dimensional scene was left out: {error}"))
    if meshes:
        files["scene"] = "scene.glb"
        written.append(helper.submit(write_glb, meshes, labelmap.labels, folder / files["scene"]))
    files["picture"] = "scene.png"
    with progress.stage("picture"):
        png = io.BytesIO()
        draw_picture(volume, labelmap, meshes, None).save(png, "PNG", compress_level=_FAST_PNG)
        (folder / files["picture"]).write_bytes(png.getvalue())
    with progress.stage("labelmap and scene"):
        for task in written:
            task.result()
    return Drawing(png.getvalue(), files, tuple(warnings))


def write_report(report: Report, drawing: Drawing, folder: Path) -> None:
    """Write report.html and, last, report.json into ``folder``.

    Raises:
        OutputError, NotEnoughDiskError: it cannot be written there.
    """
    report.files |= {"page": "report.html", "report": "report.json"}
    write_report_html(report, folder / "report.html", drawing.picture)
    write_report_json(report, folder / "report.json")
