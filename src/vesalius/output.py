"""The files of an analysis: labelmap, scene, picture, page and report."""

from __future__ import annotations

import io
from pathlib import Path

from vesalius.engine.progress import Progress
from vesalius.errors import MissingExtraError
from vesalius.io import write
from vesalius.io.report_html import write_report_html
from vesalius.io.report_json import write_report_json
from vesalius.results import Labelmap, Report, Warning
from vesalius.scene.export import write_glb
from vesalius.scene.mesh import Mesh, extract_meshes
from vesalius.scene.picture import draw_picture
from vesalius.volume import Volume


def write_results(report: Report, volume: Volume, labelmap: Labelmap, folder: Path, progress: Progress) -> None:
    """Write everything into ``folder``, which exists and is empty; name the files in the report, which comes last.

    Without the extra ``view`` there is no mesh: the picture then shows the planes only and the report says why.

    Raises:
        OutputError, NotEnoughDiskError: it cannot be written there.
    """
    with progress.stage("labelmap"):
        write(labelmap, folder / "segmentation.nii.gz")
    report.files["segmentation"] = "segmentation.nii.gz"
    meshes = _meshes(report, labelmap, folder, progress)
    with progress.stage("picture"):
        picture = draw_picture(volume, labelmap, meshes, None)
        data = io.BytesIO()
        picture.save(data, "PNG", compress_level=3)
        (folder / "scene.png").write_bytes(data.getvalue())
    report.files |= {"picture": "scene.png", "page": "report.html", "report": "report.json"}
    report.stages[:] = progress.stages
    write_report_html(report, folder / "report.html", data.getvalue())
    write_report_json(report, folder / "report.json")


def _meshes(report: Report, labelmap: Labelmap, folder: Path, progress: Progress) -> dict[int, Mesh]:
    try:
        with progress.stage("meshes"):
            meshes = extract_meshes(labelmap)
        if meshes:
            with progress.stage("scene"):
                write_glb(meshes, labelmap.labels, folder / "scene.glb")
            report.files["scene"] = "scene.glb"
    except MissingExtraError as error:
        report.warnings.append(Warning(code="no-3d", message=f"the three-dimensional scene was left out: {error}"))
        return {}
    return meshes
