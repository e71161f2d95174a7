from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from labelled import noisy_cases
from vesalius.errors import DatasetError, UsageError
from vesalius.models.folder import open_model
from vesalius.train.data import divide, open_dataset
from vesalius.train.evaluate.selection import Wanted, select
from vesalius.train.recipe import Data, Split

RECIPE = """
name = "known"
task = "segment"
[labels]
1 = { name = "front", colour = "#112233" }
2 = { name = "back", colour = "#445566" }
[data]
split = { folds = 3, fold = 1, seed = 7 }
grid = { kind = "sliding", patch = [12, 12, 8] }
[network]
net = "residual-unet"
[loss]
terms = { dice = 1.0 }
[training]
steps = 1
batch = 1
[origin]
data = "none"
licence = "CC0"
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    noisy_cases(folder, [f"case-{n:02}" for n in range(10)], noise=0.1)
    return folder


@pytest.fixture(scope="module")
def split_data(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / "pictures.npz"
    pictures = np.zeros((4, 5, 6), np.float32)
    labels = np.array([[0], [1], [0], [1]], np.uint8)
    np.savez(path, train_images=pictures, train_labels=labels, test_images=pictures[:2], test_labels=labels[:2])
    return path


def names(selected):
    return [case.name for case in selected.cases]


def test_all_cases_are_the_default(data, segmenter):
    selected = select(data, Wanted(), open_model(segmenter))
    assert names(selected) == [f"case-{n:02}" for n in range(10)]
    assert (selected.record.part, selected.record.fold) == ("all", None)


@pytest.mark.parametrize("fold", range(3))
def test_a_fold_is_the_one_that_training_keeps(data, segmenter, fold):
    folder = open_model(segmenter)
    split = Split(folds=3, fold=fold, seed=7)
    kept = select(data, Wanted("validation", split), folder)
    division = divide(open_dataset(data), Data(split=split, grid=folder.spec.network.grid))
    assert names(kept) == [case.name for case in division.validation]
    assert (kept.record.fold, kept.record.folds, kept.record.seed) == (fold, 3, 7)
    rest = select(data, Wanted("train", split), folder)
    assert sorted(names(kept) + names(rest)) == [f"case-{n:02}" for n in range(10)]


def test_a_model_that_was_trained_here_knows_its_own_fold(data, segmenter, tmp_path):
    model = tmp_path / "model"
    (model / "training").mkdir(parents=True)
    for path in segmenter.iterdir():
        (model / path.name).symlink_to(path)
    (model / "training" / "recipe.toml").write_text(RECIPE)
    selected = select(data, Wanted("validation"), open_model(model))
    assert names(selected) == names(
        select(data, Wanted("validation", Split(folds=3, fold=1, seed=7)), open_model(segmenter))
    )
    assert selected.record.seed == 7
    (model / "training" / "recipe.toml").write_text(RECIPE.replace("[data]", '[data]\nmanifest = "cases.csv"'))
    rows = [f"images/case-{n:02}.nii.gz,case-{n:02},{('train', 'validation')[n % 2]}" for n in range(4)]
    (model / "training" / "cases.csv").write_text("\n".join(["image,name,split", *rows]))
    assert names(select(data, Wanted("validation"), open_model(model))) == ["case-01", "case-03"]


def test_without_a_fold_a_part_of_undivided_data_is_refused(data, segmenter):
    for part in ("train", "validation", "test"):
        with pytest.raises(UsageError, match="--fold 0/5 --seed 0"):
            select(data, Wanted(part), open_model(segmenter))
    with pytest.raises(UsageError, match="a fold has no part 'test'"):
        select(data, Wanted("test", Split()), open_model(segmenter))


def test_the_datas_own_split_is_used(split_data, classifier):
    folder = open_model(classifier)
    assert names(select(split_data, Wanted("test"), folder)) == ["test-0", "test-1"]
    assert len(names(select(split_data, Wanted(), folder))) == 6
    with pytest.raises(DatasetError, match="no validation cases"):
        select(split_data, Wanted("validation"), folder)
    with pytest.raises(UsageError, match="a split of their own"):
        select(split_data, Wanted("validation", Split()), folder)


def test_a_manifest_names_the_cases(data, segmenter, tmp_path):
    table = tmp_path / "some.csv"
    table.write_text("image,label,name\nimages/case-03.nii.gz,labels/case-03.nii.gz,third\n")
    assert names(select(data, Wanted(manifest=table), open_model(segmenter))) == ["third"]


def test_missing_data_are_refused(segmenter, tmp_path):
    with pytest.raises(DatasetError, match="no data at"):
        select(tmp_path / "nothing", Wanted(), open_model(segmenter))
