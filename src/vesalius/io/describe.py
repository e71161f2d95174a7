"""What is in a scan, for people and for programs: the answer of ``vesalius read``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from vesalius.volume import Volume

_UID_TAIL = 8


@dataclass(frozen=True)
class SeriesSummary:
    """One series. It names files and UIDs, never the patient; no voxel was read for it."""

    format: str
    modality: str
    description: str
    size: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    orientation: str
    orientation_known: bool
    oblique: bool
    channels: tuple[str, ...]
    series_uid: str | None
    files: int
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        """One line, as in "MR, T1 axial, 512 × 512 × 22, 22 files, …77345310"."""
        size = " × ".join(str(n) for n in self.size)
        files = "1 file" if self.files == 1 else f"{self.files} files"
        uid = f"…{self.series_uid[-_UID_TAIL:]}" if self.series_uid else ""
        return ", ".join(part for part in (self.modality or self.format, self.description, size, files, uid) if part)


def describe(volume: Volume) -> SeriesSummary:
    """The summary of ``volume``, from its header."""
    geometry, source = volume.geometry, volume.source
    return SeriesSummary(
        format=source.format,
        modality=volume.modality,
        description=source.description,
        size=geometry.shape,
        spacing_mm=geometry.spacing,
        orientation=geometry.orientation,
        orientation_known=source.orientation_known,
        oblique=geometry.is_oblique,
        channels=volume.channels,
        series_uid=source.series_uid,
        files=len(source.paths),
        notes=volume.notes,
    )
