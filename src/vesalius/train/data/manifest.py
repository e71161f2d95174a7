"""A table of cases, CSV or Parquet.

Columns: ``image`` or ``image_0``, ``image_1`` … (a channel each); ``label`` (a file) or ``target`` (a class by name or
number); and, if known, ``name``, ``patient`` and ``split`` (train, validation, test). Paths are relative to the data.
An image may also be a folder: a DICOM series, or the pictures of one study. A study with a target is a bag of slices.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vesalius.errors import DatasetError
from vesalius.extras import require
from vesalius.train.data.case import Dataset, FileCase, SplitName
from vesalius.train.data.findings import Finding, error
from vesalius.train.data.folders import by_name

_SPLITS: Mapping[str, SplitName] = {
    "": "",
    "train": "train",
    "training": "train",
    "val": "validation",
    "validation": "validation",
    "test": "test",
}
_COLUMNS = frozenset({"image", "label", "target", "name", "patient", "split"})
Row = Mapping[str, str]


def manifest_cases(table: Path, data: Path) -> Dataset:
    """The cases that ``table`` names in the folder ``data``.

    Raises:
        DatasetError: no such table, a column that is unknown or missing, two cases of one name, or no such split.
    """
    rows = _rows(table)
    if not rows:
        raise DatasetError(f"{table} names no cases")
    numbers = _class_numbers(rows)
    manifest = _Manifest(table, data, _image_columns(table, list(rows[0])), numbers)
    cases = [manifest.case(number, row) for number, row in enumerate(rows, start=2)]
    _check_names(table, cases)
    missing = {case.name: _missing(case) for case in cases}
    whole = tuple(sorted((case for case in cases if not missing[case.name]), key=by_name))
    problems = tuple(problem for found in missing.values() for problem in found)
    return Dataset(data, "manifest", whole, {number: name for name, number in numbers.items()}, problems)


@dataclass(frozen=True)
class _Manifest:
    """What it takes to understand a row."""

    table: Path
    data: Path
    images: Sequence[str]
    classes: Mapping[str, int]

    def case(self, number: int, row: Row) -> FileCase:
        split = row.get("split", "").lower()
        if split not in _SPLITS:
            raise DatasetError(f"{self.table}, row {number}: the split is {split!r}; it is train, validation or test")
        given = [row[column] for column in self.images if row[column]]
        if not given:
            raise DatasetError(f"{self.table}, row {number} names no image")
        name = row.get("name") or given[0]
        label = self.data / row["label"] if row.get("label") else None
        target = self.classes[row["target"]] if row.get("target") else None
        files = tuple(self.data / path for path in given)
        return FileCase(name, files, label, row.get("patient") or name, _SPLITS[split], target)


def _missing(case: FileCase) -> list[Finding]:
    files = [path for path in (*case.images, case.label) if path is not None]
    return [error("missing-file", case.name, f"{path} is not there") for path in files if not path.exists()]


def _check_names(table: Path, cases: Sequence[FileCase]) -> None:
    name, count = Counter(case.name for case in cases).most_common(1)[0]
    if count > 1:
        raise DatasetError(f"{table} has {count} cases of the name {name!r}; every case needs a name of its own")


def _rows(table: Path) -> list[dict[str, str]]:
    """One table a row, its cells as text without spaces around it."""
    try:
        rows = _parquet(table) if table.suffix == ".parquet" else _csv(table)
    except FileNotFoundError as failure:
        raise DatasetError(f"there is no manifest {table}") from failure
    except (OSError, ValueError, csv.Error) as failure:
        raise DatasetError(f"the manifest {table} cannot be read: {failure}") from failure
    return [{column: _text(cell) for column, cell in row.items()} for row in rows]


def _parquet(table: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = require("pyarrow.parquet", "train").read_table(table).to_pylist()
    return rows


def _csv(table: Path) -> list[dict[str, Any]]:
    with table.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file, strict=True)
        rows = []
        for row in reader:
            if None in row:
                raise DatasetError(f"{table}, line {reader.line_num} has more cells than there are columns")
            rows.append(row)
    return rows


def _text(cell: Any) -> str:
    """A Parquet column of whole numbers with gaps comes as floats."""
    if cell is None or cell != cell:
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


def _image_columns(table: Path, columns: list[str]) -> list[str]:
    images = [column for column in columns if column == "image" or column.startswith("image_")]
    unknown = [column for column in columns if column not in _COLUMNS and column not in images]
    if unknown:
        raise DatasetError(
            f"{table} has the unknown column {unknown[0]!r}; it may have {', '.join(sorted(_COLUMNS))}, image_0 …"
        )
    if not images:
        raise DatasetError(f"{table} has no column image")
    return images


def _class_numbers(rows: Sequence[Row]) -> dict[str, int]:
    """Classes given as numbers keep them; others are numbered in the order of their names."""
    found = sorted({row["target"] for row in rows if row.get("target")})
    if all(text.isdecimal() for text in found):
        return {text: int(text) for text in found}
    return {text: number for number, text in enumerate(found)}
