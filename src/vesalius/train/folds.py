"""What the folds of a cross-validation came to, all together."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from vesalius.aside import aside
from vesalius.errors import OutputError
from vesalius.train.run import Outcome

SUMMARY = "cross-validation.json"


@dataclass(frozen=True)
class CrossValidation:
    """The score of each fold, each on other cases; their mean and standard deviation (n - 1)."""

    metric: str
    values: tuple[float, ...]
    mean: float
    deviation: float


def fold_folder(out: Path, fold: int) -> Path:
    """Where the model of a fold is made."""
    return out / f"fold-{fold}"


def check_folds_place(out: Path) -> None:
    """Refuse a place that holds something else than folds; what is in these, their trainings see to.

    Raises:
        OutputError: it is a file, or a folder with other things in it.
    """
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file; name a folder for the models of the folds")
    for path in sorted(out.glob("*")):
        if not path.name.startswith(("fold-", ".")) and path.name != SUMMARY:
            raise OutputError(f"{out} holds something else than folds, such as {path.name}; name another folder")


def summarize(outcomes: Sequence[Outcome], out: Path) -> CrossValidation:
    """Join the folds' scores and write them to cross-validation.json in ``out``."""
    scores = [outcome.result.score for outcome in outcomes]
    values = [score.value for score in scores]
    found = CrossValidation(scores[0].metric, tuple(values), statistics.fmean(values), statistics.stdev(values))
    content = {**asdict(found), "details": [score.details for score in scores]}
    with aside(out / SUMMARY) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return found
