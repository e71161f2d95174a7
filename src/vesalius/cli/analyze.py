"""``vesalius analyze``: scans → segmentation, measurements, report, 3D."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vesalius.cli.progress import bar
from vesalius.cli.show import as_json, size, table

if TYPE_CHECKING:
    from vesalius.results import Measurement, Report


class Engine(StrEnum):
    """What runs the network."""

    AUTO = "auto"
    OPENVINO = "openvino"
    ONNXRUNTIME = "onnxruntime"
    TORCH = "torch"


class Precision(StrEnum):
    """The arithmetic of the network."""

    AUTO = "auto"
    F32 = "f32"
    BF16 = "bf16"
    F16 = "f16"


class Device(StrEnum):
    """Where the network runs."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


def analyze(
    scans: Annotated[list[str], typer.Argument(metavar="SCAN...", help="Files or folders, one scan each.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the results; one inside it a scan, if several.")],
    model: Annotated[str, typer.Option(metavar="M", help="A shipped model's name, or a model folder.")] = "brain",
    engine: Annotated[Engine, typer.Option(help="What runs the network.")] = Engine.AUTO,
    precision: Annotated[Precision, typer.Option(help="Its arithmetic.")] = Precision.AUTO,
    device: Annotated[Device, typer.Option(help="Where it runs.")] = Device.AUTO,
    json: Annotated[bool, typer.Option("--json", help="Print report.json, one a line if several scans.")] = False,
) -> None:
    """Find, outline and measure what a model knows in a scan."""
    from vesalius.analysis import analyze as run

    for scan, folder in zip(scans, folders(scans, out), strict=True):
        with bar() as listener:
            report = run(
                scan,
                model,
                out=folder,
                engine=engine.value,
                precision=precision.value,
                device=device.value,
                listener=listener,
            )
        if json:
            typer.echo(as_json(report.model_dump(mode="json")) if len(scans) == 1 else report.model_dump_json())
        else:
            typer.echo(summary(report, folder))


def folders(scans: list[str], out: Path) -> list[Path]:
    """Where each scan's results go: ``out`` itself for one, else a folder in it named after the scan, each its own."""
    if len(scans) == 1:
        return [out]
    names: list[str] = []
    for scan in scans:
        stem = Path(scan).resolve().name.partition(".")[0] or "scan"
        count = sum(name == stem or name.rpartition("-")[0] == stem for name in names)
        names.append(f"{stem}-{count + 1}" if count else stem)
    return [out / name for name in names]


def summary(report: Report, folder: Path) -> str:
    """What a person wants to know at once: scores or measurements, the warnings, and where to look."""
    parts = [_scores(report)] if report.scores else []
    parts += [_measurements(report)] if report.measurements else []
    parts += [f"Warning: {warning}" for warning in report.warnings]
    how = f"{report.engine.engine} {report.engine.precision}"
    estimate, peak = size(report.engine.memory_estimate_bytes), size(report.engine.memory_peak_bytes)
    parts.append(f"{report.model.name} {report.model.version}, {how}, {report.seconds:.1f} s")
    parts.append(f"memory: {estimate} estimated before the run, {peak} at its peak")
    parts.append(table([(f"{kind}:", str(folder / name)) for kind, name in report.files.items()]))
    return "\n".join(parts)


def _scores(report: Report) -> str:
    """Each label's probability and the threshold it is held against, and the answer."""
    thresholds = report.thresholds
    rows = [
        (name, f"{score:.1%}", f"{thresholds[name]:.1%}" if name in thresholds else "")
        for name, score in (report.scores or {}).items()
    ]
    return f"{table([('', 'probability', 'threshold' if thresholds else ''), *rows])}\nAnswer: {report.answer}"


def _measurements(report: Report) -> str:
    headings: tuple[str, ...] = ("", "volume (ml)", "surface (cm²)", "diameters (mm)", "parts")
    row = _row
    if report.input.is_picture:
        headings, row = ("", "pixels", "of the picture", "parts"), _picture_row
    return table([headings, *(row(name, measurement) for name, measurement in report.measurements.items())])


def _picture_row(name: str, measurement: Measurement) -> tuple[str, ...]:
    return name, str(measurement.voxel_count), f"{measurement.share or 0:.2%}", str(measurement.components)


def _row(name: str, measurement: Measurement) -> tuple[str, ...]:
    diameters = " × ".join(f"{value:.0f}" for value in measurement.diameters_mm)
    volume, surface = f"{measurement.volume_ml or 0:.1f}", f"{(measurement.surface_mm2 or 0) / 100:.0f}"
    return name, volume, surface, diameters, str(measurement.components)
