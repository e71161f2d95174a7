from collections import Counter
from pathlib import Path

import pytest
from pydantic import ValidationError

from vesalius.errors import DatasetError, UsageError
from vesalius.train.data import Dataset, divide, with_fold
from vesalius.train.data.case import FileCase
from vesalius.train.recipe import Data, Recipe

GRID = {"kind": "sliding", "patch": [8, 8, 8]}


def case(name, patient="", split=""):
    return FileCase(name, (Path(name),), patient=patient or name, split=split)


def dataset(*cases):
    return Dataset(Path("data"), "manifest", cases)


def by_fold(folds=5, fold=0, seed=0, **more):
    return Data.model_validate({"split": {"folds": folds, "fold": fold, "seed": seed}, "grid": GRID, **more})


def names(cases):
    return [case.name for case in cases]


EYES = dataset(*(case(f"{patient}{eye}", str(patient)) for patient in range(13) for eye in "LR"))


def test_every_case_is_validated_on_in_exactly_one_fold():
    kept = Counter(name for fold in range(5) for name in names(divide(EYES, by_fold(fold=fold)).validation))
    assert kept == Counter(names(EYES.cases))


@pytest.mark.parametrize("fold", range(5))
def test_a_patient_is_never_divided_and_folds_are_of_nearly_equal_size(fold):
    division = divide(EYES, by_fold(fold=fold))
    training, validation = ({case.patient for case in part} for part in (division.training, division.validation))
    assert training.isdisjoint(validation)
    assert len(training | validation) == 13
    assert len(validation) in (2, 3)


def test_the_division_hangs_on_the_seed_and_not_on_the_order_of_the_files():
    backwards = dataset(*reversed(EYES.cases))
    assert set(names(divide(EYES, by_fold()).validation)) == set(names(divide(backwards, by_fold()).validation))
    assert len({frozenset(names(divide(EYES, by_fold(seed=seed)).validation)) for seed in range(5)}) > 1


def test_the_division_of_a_seed_stays_what_it_was():
    """Cards of shipped models state it: it must hold for all time."""
    assert names(divide(EYES, by_fold()).validation) == ["7L", "7R", "8L", "8R", "9L", "9R"]


def test_the_datas_own_split_goes_first_and_test_cases_are_left_alone():
    own = dataset(case("a", split="train"), case("b", split="validation"), case("c", split="test"))

    division = divide(own, by_fold())

    assert (names(division.training), names(division.validation)) == (["a"], ["b"])
    assert division.words == "1 case to train on, 1 case to validate on: the data's own split"


def test_a_split_without_a_part_to_validate_on_gets_one_from_the_training_part():
    own = dataset(*(case(f"{n}", split="train") for n in range(10)), case("t", split="test"))

    division = divide(own, by_fold())

    assert (len(division.training), len(division.validation)) == (8, 2)
    assert "fold 0 of 5 of the data's own part for training" in division.words


def test_only_some_of_the_training_cases_are_used_and_fewer_are_among_more():
    few, more = (divide(EYES, by_fold(training_cases=count)) for count in (3, 7))
    assert (len(few.training), len(more.training)) == (3, 7)
    assert set(few.training) < set(more.training) < set(divide(EYES, by_fold()).training)
    assert few.validation == divide(EYES, by_fold()).validation


@pytest.mark.parametrize(
    ("cases", "folds", "words"),
    [
        ((), (5, 0), "0 cases of 0 patient"),
        ((case("a"),), (5, 0), "1 case of 1 patient.*at least two"),
        ((case("a", "p"), case("b", "p")), (5, 0), "2 cases of 1 patient.*at least two"),
        ((case("a"), case("b")), (5, 2), "2 patients, too few for fold 2 of 5; set data.split.folds to 2"),
        ((case("a", split="train"), case("b")), (5, 0), "the case b has no split"),
        (
            (case("a", split="validation"), case("b", split="validation")),
            (5, 0),
            "0 cases to train on and 2 cases to val",
        ),
        ((case("a", split="test"),), (5, 0), "at least two"),
    ],
)
def test_what_cannot_be_divided_is_said_in_a_sentence(cases, folds, words):
    with pytest.raises(DatasetError, match=words):
        divide(dataset(*cases), by_fold(*folds))


def recipe():
    return Recipe.model_validate({
        "name": "x", "task": "segment", "labels": {1: {"name": "a", "colour": "#ff0000"}}, "data": {"grid": GRID},
        "network": {"net": "unet"}, "loss": {"terms": {"dice": 1}}, "training": {"steps": 1, "batch": 1},
        "origin": {"data": "none", "licence": "none"},
    })  # fmt: skip


def test_another_fold_changes_nothing_else_of_the_recipe():
    other = with_fold(recipe(), 3)
    assert other.data.split.fold == 3
    assert with_fold(other, 0) == recipe()
    with pytest.raises(ValidationError):
        other.name = "frozen"


@pytest.mark.parametrize("fold", [-1, 5])
def test_a_fold_that_is_none_is_refused(fold):
    with pytest.raises(UsageError, match=f"no fold {fold}; the recipe makes 5"):
        with_fold(recipe(), fold)
