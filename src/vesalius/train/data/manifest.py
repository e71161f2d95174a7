"""A table of cases, CSV or Parquet.

Columns: ``image`` or ``image_0``, ``image_1`` … (a channel each); ``label`` (a file) or ``target`` (a class by name or
number); and, if known, ``name``, ``patient`` and ``split`` (train, validation, test). Paths are relative to the data.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from vesalius.errors import DatasetError
from vesalius.extras import require
from vesalius.train.data.case import Case, Dataset, FileCase, SplitName
from vesalius.train.data.folders import stem

_SPLITS: Mapping[str, SplitName] = {
    "": "",
    "train": "train",
    "training": "train",
    "val": "validation",
    "validation": "validation",
    "test": "test",
}
_COLUMNS = frozenset({"image", "label", "target", "name", "patient", "split"})


def manifest_cases(table: Path, data: Path) -> Dataset:
    """The cases that ``table`` names in the folder ``data``.

    Raises:
        DatasetError: no such table, a column that is unknown or missing, or a split that is none.
    """
    rows = _rows(table)
    if not rows:
        raise DatasetError(f"{table} names no cases")
    images = _image_columns(table, list(rows[0]))
    names = _class_names(rows)
    cases: list[Case] = []
    problems = []
    for number, row in enumerate(rows, start=2):
        case = _case(table, data, row, images, names, number)
        missing = [path for path in (*case.images, case.label) if path is not None and not path.is_file()]
        problems += [("missing-file", case.name, f"{path} is not there") for path in missing]
        if not missing:
            cases.append(case)
    return Dataset(data, "manifest", tuple(sorted(cases, key=lambda case: case.name)), names, tuple(problems))


def _case(table: Path, data: Path, row: Mapping[str, str], images: list[str], names: Mapping[int, str], number: int) -> FileCase:
    split = row.get("split", "").strip().lower()
    if split not in _SPLITS:
        raise DatasetError(f"{table}, row {number}: the split is {split!r}; it may be train, validation or test")
    files = tuple(data / row[column] for column in images if row[column])
    name = row.get("name") or stem(files[0]) or files[0].name
    label = data / row["label"] if row.get("label") else None
    numbers = {text: value for value, text in names.items()}
    target = numbers[row["target"]] if row.get("target") else None
    return FileCase(name, files, label, row.get("patient") or name, _SPLITS[split], target)


def _rows(table: Path) -> list[dict[str, str]]:
    if not table.is_file():
        raise DatasetError(f"there is no manifest {table}")
    if table.suffix == ".parquet":
        read = require("pyarrow.parquet", "train").read_table
        return [{key: "" if value is None else str(value) for key, value in row.items()} for row in read(table).to_pylist()]
    with table.open(newline="", encoding="utf-8-sig") as file:
        return [{key: value or "" for key, value in row.items() if key} for row in csv.DictReader(file)]


def _image_columns(table: Path, columns: list[str]) -> list[str]:
    images = [column for column in columns if column == "image" or column.startswith("image_")]
    unknown = [column for column in columns if column not in _COLUMNS and column not in images]
    if unknown:
        raise DatasetError(f"{table} has the unknown column {unknown[0]!r}; it may have {', '.join(sorted(_COLUMNS))}, image_0 …")
    if not images:
        raise DatasetError(f"{table} has no column image")
    return images


def _class_names(rows: list[dict[str, str]]) -> dict[int, str]:
    """Classes given as numbers keep them; others are numbered in the order of their names."""
    found = sorted({row["target"] for row in rows if row.get("target")})
    if all(text.isdigit() for text in found):
        return {int(text): text for text in found}
    return dict(enumerate(found))
