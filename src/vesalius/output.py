"""The files of an analysis: labelmap, scene, picture, page and report."""

from __future__ import annotations

import contextlib
import importlib
import io
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path

from vesalius.engine.progress import Progress
from vesalius.errors import MissingExtraError
from vesalius.io import write
from vesalius.io.report_html import write_report_html
from vesalius.io.report_json import write_report_json, write_scores_json
from vesalius.results import Labelmap, Report, Warning
from vesalius.scene.glb import write_glb
from vesalius.scene.mesh import Mesh, extract_meshes
from vesalius.scene.picture import draw_picture
from vesalius.volume import Volume

_NEEDED_LATER = ("SimpleITK", "PIL.ImageDraw", "jinja2")
_NEEDED_FOR_MESHES = ("vtkmodules.vtkFiltersCore", "vtkmodules.util.numpy_support")
_FAST_PNG = 1  # zlib level: a third of the time of the default for a tenth more bytes


@dataclass(frozen=True)
class Drawing:
    """The picture (PNG), the files written with it by kind, and what the reader must know about them."""

    picture: bytes
    files: dict[str, str]
    warnings: tuple[Warning, ...]


def is_flat(scan: Volume | Labelmap) -> bool:
    """Whether it is one slice, which has no surface in three dimensions."""
    return min(scan.geometry.shape) == 1


def import_ahead(flat: bool) -> None:
    """Import what drawing and writing a labelmap, ``flat`` or not, will need, while the caller would only wait."""
    for module in _NEEDED_LATER if flat else (*_NEEDED_LATER, *_NEEDED_FOR_MESHES):
        with contextlib.suppress(ImportError):
            importlib.import_module(module)


def draw_results(
    volume: Volume, labelmap: Labelmap | None, folder: Path, helper: Executor, progress: Progress
) -> Drawing:
    """Write scene.png and, of a labelmap, its files into ``folder``, which exists.

    These are segmentation.nii.gz; of a flat one also segmentation.png, of others scene.glb. What ``helper`` can write
    meanwhile it does. Without the extra ``view`` there is no mesh: the picture then shows the planes only, and a
    warning says why.

    Raises:
        OutputError, NotEnoughDiskError: it cannot be written there.
    """
    files: dict[str, str] = {}
    warnings: tuple[Warning, ...] = ()
    written: list[Future[None]] = []
    meshes: dict[int, Mesh] = {}
    if labelmap is not None:
        files |= _labelmap_files(labelmap)
        written = [helper.submit(write, labelmap, folder / name) for name in files.values()]
        if not is_flat(labelmap):
            meshes, warnings = _meshes(labelmap, progress)
        if meshes:
            files["scene"] = "scene.glb"
            written.append(helper.submit(write_glb, meshes, labelmap.labels, folder / files["scene"]))
    files["picture"] = "scene.png"
    with progress.stage("picture"):
        png = io.BytesIO()
        draw_picture(volume, labelmap, meshes, None).save(png, "PNG", compress_level=_FAST_PNG)
        (folder / files["picture"]).write_bytes(png.getvalue())
    if written:
        with progress.stage("labelmap and scene"):
            for task in written:
                task.result()
    return Drawing(png.getvalue(), files, warnings)


def _labelmap_files(labelmap: Labelmap) -> dict[str, str]:
    """The names of the files that hold a labelmap, by kind; one slice is also a picture, for any viewer."""
    files = {"segmentation": "segmentation.nii.gz"}
    if labelmap.geometry.shape[2] == 1:
        files["segmentation picture"] = "segmentation.png"
    return files


def _meshes(labelmap: Labelmap, progress: Progress) -> tuple[dict[int, Mesh], tuple[Warning, ...]]:
    """The labels' surfaces, or why there are none."""
    try:
        with progress.stage("meshes"):
            return extract_meshes(labelmap), ()
    except MissingExtraError as error:
        return {}, (Warning(code="no-3d", message=f"the three-dimensional scene was left out: {error}"),)


def write_report(report: Report, drawing: Drawing, folder: Path) -> None:
    """Write scores.json where there are scores, report.html and, last, report.json into ``folder``.

    Raises:
        OutputError, NotEnoughDiskError: it cannot be written there.
    """
    if report.scores is not None:
        report.files["scores"] = "scores.json"
        write_scores_json(report.scores, folder / "scores.json")
    report.files |= {"page": "report.html", "report": "report.json"}
    write_report_html(report, folder / "report.html", drawing.picture)
    write_report_json(report, folder / "report.json")
