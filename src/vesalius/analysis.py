"""From a scan to a report: read, run the model, measure, judge, write."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from vesalius._version import __version__
from vesalius.engine.backend import BackendInfo, EngineName, Precision
from vesalius.engine.choose import Device, EngineChoice, GoldenVerdict, candidates, judge
from vesalius.engine.memory import peak_bytes
from vesalius.engine.progress import Listener, Progress
from vesalius.io import read
from vesalius.io.aside import aside_folder
from vesalius.measure.anatomy import measure_labels
from vesalius.models.folder import ModelFolder, open_model, record
from vesalius.output import write_results
from vesalius.results import EngineRecord, InputRecord, Report, Results
from vesalius.tasks.segment import Segmentation, segment
from vesalius.trust.plausibility import check
from vesalius.volume import Volume


def analyze(
    scan: Volume | str | Path,
    model: str | Path = "brain",
    *,
    out: str | Path | None = None,
    engine: EngineName | Literal["auto"] = "auto",
    precision: Precision | Literal["auto"] = "auto",
    device: Device | Literal["auto"] = "auto",
    listener: Listener | None = None,
) -> Report:
    """Run ``model`` (a shipped name or a model folder) on ``scan`` (a volume or what `vesalius.read` takes).

    With ``out`` the report and all results are written into that folder, all of them or none.

    Raises:
        VesaliusError: see `vesalius.errors`; nothing is left half-written.
    """
    progress = Progress(listener)
    with ExitStack() as stack:
        staging = None if out is None else stack.enter_context(aside_folder(Path(out)))
        folder = open_model(model)
        with progress.stage("read"):
            volume = scan if isinstance(scan, Volume) else read(scan)
            _ = volume.voxels
        segmentation = segment(folder, volume, EngineChoice(engine, precision, device), progress)
        report = _report(folder, volume, segmentation, progress)
        if staging is not None:
            write_results(report, volume, segmentation.labelmap, staging, progress)
    return report


def verify(model: str | Path, choice: EngineChoice | None = None) -> list[tuple[str, GoldenVerdict]]:
    """Run the golden case of each network of ``model``: (weights file, verdict), in f32 and what "auto" may choose."""
    folder = open_model(model)
    return [
        (network.weights, judge(folder, network, info))
        for network in folder.networks
        for info in candidates(network, choice or EngineChoice())
    ]


def _report(folder: ModelFolder, volume: Volume, segmentation: Segmentation, progress: Progress) -> Report:
    """Measure and judge the segmentation."""
    labelmap = segmentation.labelmap
    with progress.stage("measure"):
        measurements = measure_labels(labelmap, volume)
    with progress.stage("plausibility"):
        warnings = check(folder.spec, folder.reference_shape, volume, labelmap, measurements)
    report = Report(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        vesalius_version=__version__,
        input=_input(volume),
        model=record(folder),
        engine=_engine(segmentation),
        labels=dict(labelmap.labels),
        measurements=measurements,
        warnings=warnings,
        stages=list(progress.stages),
    )
    report.attach(Results(volume=volume, labelmap=labelmap))
    return report


def _input(volume: Volume) -> InputRecord:
    geometry, source = volume.geometry, volume.source
    return InputRecord(
        paths=source.paths,
        format=source.format,
        modality=volume.modality,
        channels=volume.channels,
        shape=geometry.shape,
        spacing_mm=geometry.spacing,
        orientation=geometry.orientation,
        oblique=geometry.is_oblique,
        affine=tuple(tuple(float(value) for value in row) for row in geometry.affine),  # type: ignore[misc]
        series_uid=source.series_uid,
        frame_of_reference_uid=source.frame_of_reference_uid,
    )


def _engine(segmentation: Segmentation) -> EngineRecord:
    """The last run's backend (the locator, where there is one, runs on the same), all runs' tiles, the largest plan."""
    runs = segmentation.runs
    info: BackendInfo = runs[-1].info
    return EngineRecord(
        engine=info.engine,
        precision=info.precision,
        device=info.device,
        tiles=sum(run.tiles for run in runs),
        tiles_skipped=sum(run.skipped for run in runs),
        memory_estimate_bytes=max(run.memory_bytes for run in runs),
        memory_peak_bytes=peak_bytes(),
    )
