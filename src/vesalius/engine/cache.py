"""The user's cache folder: things that can be lost and made again."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path


def cache_folder() -> Path:
    """Where this platform keeps caches; ``VESALIUS_CACHE`` overrides it."""
    chosen = os.environ.get("VESALIUS_CACHE")
    if chosen:
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "vesalius"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vesalius"


def remember(name: str, key: str, value: float) -> None:
    """Keep ``value`` under ``key`` in the file ``name``; does nothing where the folder cannot be written."""
    path = cache_folder() / name
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        entries = _entries(path) | {key: value}
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as aside:
            json.dump(entries, aside)
        Path(aside.name).replace(path)


def recall(name: str, key: str) -> float | None:
    """What `remember` kept, or None."""
    return _entries(cache_folder() / name).get(key)


def _entries(path: Path) -> dict[str, float]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(entries, dict):
        return {}
    return {str(key): float(value) for key, value in entries.items() if isinstance(value, int | float)}
