"""What the folds of a cross-validation came to."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from vesalius.errors import OutputError
from vesalius.train.folds import check_folds_place, fold_folder, summarize
from vesalius.train.place import Result
from vesalius.train.run import Outcome
from vesalius.train.watch import Score


def test_mean_and_standard_deviation(tmp_path):
    values = [0.81, 0.92, 0.75, 0.88]
    outcomes = [
        Outcome(fold_folder(tmp_path, n), Result(Score("dice", value, {"blob": value}), "2 cases", {}), True)
        for n, value in enumerate(values)
    ]
    found = summarize(outcomes, tmp_path)
    assert found.mean == pytest.approx(np.mean(values))
    assert found.deviation == pytest.approx(np.std(values, ddof=1))
    written = json.loads((tmp_path / "cross-validation.json").read_text())
    assert written["values"] == values
    assert written["details"][2] == {"blob": 0.75}


def test_a_place_that_holds_something_else_is_refused(tmp_path: Path):
    check_folds_place(tmp_path)
    check_folds_place(tmp_path / "nowhere")
    (tmp_path / "fold-0").mkdir()
    (tmp_path / "cross-validation.json").touch()
    check_folds_place(tmp_path)
    (tmp_path / "training").mkdir()
    with pytest.raises(OutputError, match="something else than folds, such as training"):
        check_folds_place(tmp_path)
    with pytest.raises(OutputError, match="is a file"):
        check_folds_place(tmp_path / "cross-validation.json")
