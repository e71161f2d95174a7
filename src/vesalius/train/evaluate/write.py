"""The files of an evaluation: evaluation.json, table.csv and plots."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vesalius.train.evaluate.records import Classifications, Evaluation, Segmentations

JSON, TABLE = "evaluation.json", "table.csv"


def write_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write them into ``folder``, which exists.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    title = f"{evaluation.model.name} {evaluation.model.version}"
    if evaluation.segmentation is not None:
        from vesalius.train.evaluate.plots.segmentation import draw_segmentations

        _write_table(_segmented(evaluation.segmentation), folder / TABLE)
        draw_segmentations(evaluation.segmentation, title, folder)
    if evaluation.classification is not None:
        from vesalius.train.evaluate.plots.classification import draw_classifications

        _write_table(_classified(evaluation.classification), folder / TABLE)
        draw_classifications(evaluation.classification, title, folder)
    (folder / JSON).write_text(evaluation.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _segmented(found: Segmentations) -> Iterator[Mapping[str, Any]]:
    """One row a case and label."""
    for case in found.cases:
        for label, figures in case.labels.items():
            yield {"case": case.name, "patient": case.patient, "label": label, **figures, "seconds": case.seconds}


def _classified(found: Classifications) -> Iterator[Mapping[str, Any]]:
    """One row a case."""
    for case in found.cases:
        shares = {f"probability {name}": value for name, value in case.probabilities.items()}
        known = {"case": case.name, "patient": case.patient, "truth": case.truth, "answer": case.answer}
        yield {**known, **shares, "seconds": case.seconds}


def _write_table(rows: Iterator[Mapping[str, Any]], path: Path) -> None:
    """As CSV; a figure that is undefined is an empty cell."""
    gathered = list(rows)
    columns = list(dict.fromkeys(name for row in gathered for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(gathered)
