"""report.json: the answer about one scan for programs, and the JSON Schema that describes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from vesalius.aside import aside
from vesalius.errors import InputError
from vesalius.results import REPORT_VERSION, Report


def report_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of report.json as this version writes it."""
    schema = Report.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def write_report_json(report: Report, path: Path) -> None:
    """Write ``report`` as UTF-8, in the order of its fields; ``path`` is there whole or not at all.

    Raises:
        NotEnoughDiskError: the disk is full.
        OutputError: the file cannot be written there.
    """
    with aside(path) as temporary:
        temporary.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")


def write_scores_json(scores: Mapping[str, float], path: Path) -> None:
    """Write label → probability alone; ``path`` is there whole or not at all.

    Raises:
        NotEnoughDiskError: the disk is full.
        OutputError: the file cannot be written there.
    """
    with aside(path) as temporary:
        temporary.write_text(json.dumps(dict(scores), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_report_json(path: Path) -> Report:
    """Read a report; the voxels, boxes and explanation that hung on it are not in the file.

    Raises:
        InputError: the file cannot be read, is no report or one of another version of the format.
    """
    try:
        report = Report.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"the report {path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(f"{path} is not a report of this version of Vesalius: {where}: {first['msg']}") from error
    if report.report_version.partition(".")[0] != REPORT_VERSION.partition(".")[0]:
        raise InputError(
            f"{path} is a report of version {report.report_version}, this Vesalius reads {REPORT_VERSION}; "
            "use the Vesalius that wrote it or analyse the scan again"
        )
    return report
