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
from vesalius.output import Drawing, draw_results, import_ahead, is_flat, write_report
from vesalius.results import EngineRecord, InputRecord, Labelmap, Measurement, Report, Results, Warning
from vesalius.tasks.classify import Classification, classify
from vesalius.tasks.reconstruct import familiarity_error
from vesalius.tasks.segment import Segmentation, segment
from vesalius.tasks.suitable import suited
from vesalius.trust.familiarity import check_familiarity
from vesalius.trust.plausibility import check, check_scan
from vesalius.volume import Volume

Result = Segmentation | Classification


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
        volume, result, error = _run(folder, scan, EngineChoice(engine, precision, device), helper, progress)
        labelmap = _labelmap(result)
        judging = helper.submit(_judge, folder, volume, labelmap, progress)
        drawn = None if staging is None else draw_results(volume, labelmap, staging, helper, progress)
        report = _report(folder, volume, result, *judging.result())
        report.warnings += check_familiarity(folder.spec, error)
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
) -> tuple[Volume, Result, float | None]:
    """Read the scan, run the model, and measure how strange the scan is to it, where it can tell.

    The networks are opened meanwhile, and gone with their memory afterwards.
    """
    session = Session(folder, choice)
    helper.submit(session.open_all)  # what goes wrong there is met again, and raised, by whoever asks for the network
    with progress.stage("read"):
        volume = scan if isinstance(scan, Volume) else read(scan)
        _ = volume.voxels
    volume = suited(folder.spec, volume)
    result: Result
    if folder.spec.task == "classify":
        result = classify(session, volume, progress)
    else:
        import_ahead(is_flat(volume))  # while the networks are being compiled, which leaves Python free
        result = segment(session, volume, progress)
    return volume, result, familiarity_error(session, volume, progress)


def _judge(
    folder: ModelFolder, volume: Volume, labelmap: Labelmap | None, progress: Progress
) -> tuple[dict[str, Measurement], list[Warning]]:
    """Measure the labels and say what is odd about them; the time is not shown, other work goes on beside it."""
    notes = [Warning(code="scan-note", message=note) for note in volume.notes]
    if labelmap is None:
        return {}, notes + check_scan(folder.spec, volume)
    with progress.aside("measure"):
        measurements = measure_labels(labelmap, volume)
    with progress.aside("plausibility"):
        warnings = check(folder.spec, folder.reference_shape, volume, labelmap, measurements)
    return measurements, notes + warnings


def _report(
    folder: ModelFolder,
    volume: Volume,
    result: Result,
    measurements: dict[str, Measurement],
    warnings: list[Warning],
) -> Report:
    report = Report(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        vesalius_version=__version__,
        input=_input(volume),
        model=record(folder),
        engine=_engine(result),
        measurements=measurements,
        warnings=warnings,
    )
    if isinstance(result, Segmentation):
        report.labels = dict(result.labelmap.labels)
    else:
        report.scores, report.answer = dict(result.scores), result.answer
        decision = folder.spec.decision
        report.thresholds = {decision.label: decision.threshold} if decision and decision.label else {}
    report.attach(Results(volume=volume, labelmap=_labelmap(result)))
    return report


def _labelmap(result: Result) -> Labelmap | None:
    return result.labelmap if isinstance(result, Segmentation) else None


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
        is_picture=volume.is_picture,
        affine=tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in geometry.affine),
        series_uid=source.series_uid,
        frame_of_reference_uid=source.frame_of_reference_uid,
    )


def _engine(result: Result) -> EngineRecord:
    """The main network's backend, which runs last, all runs' tiles, the largest plan."""
    if isinstance(result, Classification):
        info, tiles, skipped, memory = result.run.info, 1, 0, result.run.memory_bytes
    else:
        runs = result.runs
        info, memory = runs[-1].info, max(run.memory_bytes for run in runs)
        tiles, skipped = sum(run.tiles for run in runs), sum(run.skipped for run in runs)
    return EngineRecord(
        engine=info.engine,
        precision=info.precision,
        device=info.device,
        tiles=tiles,
        tiles_skipped=skipped,
        memory_estimate_bytes=memory,
        memory_peak_bytes=peak_bytes(),
    )
