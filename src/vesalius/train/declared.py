"""What a ``dataset.json`` says of its data beside the files: nnU-Net's and the Medical Segmentation Decathlon's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Declared:
    """Names of the channels in their order, and where the data are from; empty where it is not said."""

    channels: tuple[str, ...] = ()
    description: str = ""
    reference: str = ""
    licence: str = ""


def declared(path: Path) -> Declared:
    """What ``path/dataset.json`` says; nothing where there is none."""
    file = path / "dataset.json"
    if not file.is_file():
        return Declared()
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    channels = content.get("channel_names") or content.get("modality") or {}
    return Declared(
        tuple(str(channels[key]) for key in sorted(channels, key=int)),
        str(content.get("description") or content.get("name") or ""),
        str(content.get("reference") or ""),
        str(content.get("licence") or content.get("license") or ""),
    )
