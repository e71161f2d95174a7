"""From a scan to a report: read, run the model, measure, judge, write."""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from vesalius._version import __version__
from vesalius.aside import aside_folder
from vesalius.engine.backend import EngineName, Precision
from vesalius.engine.choose import Device, EngineChoice, GoldenVerdict, candidates, judge
from vesalius.engine.memory import peak_bytes
from vesalius.engine.progress import Listener, Progress
from vesalius.engine.session import Session
from vesalius.io import read
from vesalius.measure.anatomy import measure_labels
from vesalius.models.folder import ModelFolder, open_model, record
from vesalius.output import Drawing, draw_results, import_ahead, write_report
from vesalius.results import EngineRecord, InputRecord, Labelmap, Measurement, Report, Results, Warning
from vesalius.tasks.segment import Segmentation, segment
from vesalius.tasks.suitable import check_suitable
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
        helper = stack.enter_context(ThreadPoolExecutor(max_workers=1))
        folder = open_model(model)
        volume, segmentation = _run(folder, scan, EngineChoice(engine, precision, device), helper, progress)
        judging = helper.submit(_judge, folder, volume, segmentation.labelmap, progress)
        drawn = None if staging is None else draw_results(volume, segmentation.labelmap, staging, helper, progress)
        report = _report(folder, volume, segmentation, *judging.result())
        _finish(report, progress, drawn)
        if staging is not None and drawn is not None:
            write_report(report, drawn, staging)
    return report


def verify(model: str | Path, choice: EngineChoice | None = None) -> list[tuple[str, GoldenVerdict]]:
    """Run the golden case of each network of ``model``: (weights file, verdict), in f32 and what "auto" may choose."""
    folder = open_model(model)
    return [
        (network.weights, judge(folder, network, info))
        for network in folder.networks
        for info in candidates(network, choice or EngineChoice())
    ]


def _run(
    folder: ModelFolder, scan: Volume | str | Path, choice: EngineChoice, helper: Executor, progress: Progress
) -> tuple[Volume, Segmentation]:
    """Read and segment the scan; the networks are opened meanwhile, and gone with their memory afterwards."""
    session = Session(folder, choice)
    helper.submit(session.open_all)  # what goes wrong there is met again, and raised, by whoever asks for the network
    with progress.stage("read"):
        volume = scan if isinstance(scan, Volume) else read(scan)
        _ = volume.voxels
    check_suitable(folder.spec, volume)
    import_ahead()  # while the networks are being compiled, which leaves Python free
    return volume, segment(session, volume, progress)


def _judge(
    folder: ModelFolder, volume: Volume, labelmap: Labelmap, progress: Progress
) -> tuple[dict[str, Measurement], list[Warning]]:
    """Measure the labels and say what is odd about them; the time is not shown, other work goes on beside it."""
    with progress.aside("measure"):
        measurements = measure_labels(labelmap, volume)
    with progress.aside("plausibility"):
        notes = [Warning(code="scan-note", message=note) for note in volume.notes]
        warnings = check(folder.spec, folder.reference_shape, volume, labelmap, measurements)
    return measurements, notes + warnings


def _report(
    folder: ModelFolder,
    volume: Volume,
    segmentation: Segmentation,
    measurements: dict[str, Measurement],
    warnings: list[Warning],
) -> Report:
    report = Report(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        vesalius_version=__version__,
        input=_input(volume),
        model=record(folder),
        engine=_engine(segmentation),
        labels=dict(segmentation.labelmap.labels),
        measurements=measurements,
        warnings=warnings,
    )
    report.attach(Results(volume=volume, labelmap=segmentation.labelmap))
    return report


def _finish(report: Report, progress: Progress, drawn: Drawing | None) -> None:
    """Put in what is known only when everything but the report itself is written."""
    if drawn is not None:
        report.files |= drawn.files
        report.warnings += drawn.warnings
    report.stages = list(progress.stages)
    report.seconds = progress.seconds()


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
        affine=tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in geometry.affine),
        series_uid=source.series_uid,
        frame_of_reference_uid=source.frame_of_reference_uid,
    )


def _engine(segmentation: Segmentation) -> EngineRecord:
    """The main network's backend, which runs last, all runs' tiles, the largest plan."""
    runs = segmentation.runs
    info = runs[-1].info
    return EngineRecord(
        engine=info.engine,
        precision=info.precision,
        device=info.device,
        tiles=sum(run.tiles for run in runs),
        tiles_skipped=sum(run.skipped for run in runs),
        memory_estimate_bytes=max(run.memory_bytes for run in runs),
        memory_peak_bytes=peak_bytes(),
    )
