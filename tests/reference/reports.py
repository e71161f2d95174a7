"""A report of a brain, as small as it can be."""

from __future__ import annotations

from vesalius.results import (
    Code,
    EngineRecord,
    InputRecord,
    IntensityStatistics,
    Label,
    Measurement,
    ModelRecord,
    Report,
    Stage,
    Warning,
)


def report() -> Report:
    """A new one at each call."""
    statistics = IntensityStatistics(
        mean=1, standard_deviation=2, minimum=3, percentile_5=4, median=5, percentile_95=6, maximum=7
    )
    return Report(
        created="2026-01-02T03:04:05+00:00",
        vesalius_version="0.1.0",
        input=InputRecord(
            paths=("a.nii",), format="NIfTI", modality="MR", channels=("image",), shape=(2, 3, 4),
            spacing_mm=(1, 2, 3), orientation="RAS", oblique=False,
            affine=((1, 0, 0, 0), (0, 2, 0, 0), (0, 0, 3, 0), (0, 0, 0, 1)),
        ),
        model=ModelRecord(name="brain", version="1", task="segment", licence="MIT", sha256="0" * 64),
        engine=EngineRecord(
            engine="openvino", precision="f32", device="cpu", tiles=1, memory_estimate_bytes=2, memory_peak_bytes=3
        ),
        labels={1: Label(name="brain", colour="#f3c300", code=Code(value="12738006", meaning="Brain"))},
        measurements={
            "brain": Measurement(
                voxel_count=1, volume_ml=2, surface_mm2=3, bounding_box_mm=((0, 0, 0), (1, 1, 1)),
                diameters_mm=(1, 2, 3), centre_mm=(0, 0, 0), components=1, intensity={"image": statistics},
            )
        },
        warnings=[Warning(code="volume", message="the brain is small")],
        stages=[Stage(name="read", seconds=0.1)],
    )  # fmt: skip
