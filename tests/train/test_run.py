"""From a recipe and data to a model folder: what is refused, what is kept, and what running it again does."""

from __future__ import annotations

import json

import pytest

from tiny_trainings import Witness, checkpoint_of, place, same_tensors, segmenting, write_cases, write_recipe
from vesalius.errors import CancelledError, OutputError, RecipeError, UsageError
from vesalius.models.folder import open_model
from vesalius.train.data import divide, open_dataset
from vesalius.train.recipe_file import read_recipe
from vesalius.train.run import Fold, train


@pytest.fixture
def short(tmp_path):
    return place(tmp_path, segmenting(training__steps=2))


def stop_at(step):
    def at(now):
        if now == step:
            raise CancelledError("enough")

    return Witness(at)


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_finished_training_is_left_alone(short):
    first = train(short.recipe, short.data, short.out)
    assert first.trained
    before = contents(short.out)
    assert {"model.json", "network.onnx", "training/curves.png", "training/log.csv", "training/recipe.toml"} <= set(
        before
    )
    assert not list(short.out.rglob(".*"))
    assert not (short.out / "training" / "prepared").exists()

    witness = Witness()
    again = train(short.recipe, short.data, short.out, watcher=witness)
    assert not again.trained
    assert again.result == first.result
    assert witness.began == -1
    assert contents(short.out) == before


def test_new_words_in_the_recipe_make_a_new_card_and_nothing_else(short):
    first = train(short.recipe, short.data, short.out)
    weights = (short.out / "network.safetensors").read_bytes()
    write_recipe(segmenting(training__steps=2, summary="Better said.", version="1.1"), short.recipe)
    witness = Witness()
    second = train(short.recipe, short.data, short.out, watcher=witness)

    assert second.trained
    assert not witness.losses
    assert (short.out / "network.safetensors").read_bytes() == weights
    assert open_model(short.out).spec.summary == "Better said."
    assert second.result.score == first.result.score
    assert not train(short.recipe, short.data, short.out).trained


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"training__learning_rate": 0.5}, "training.learning_rate"),
        ({"training__steps": 9}, "training.steps"),
        (
            {"network__arguments": {"dims": 3, "channels": 1, "classes": 2, "width": 8, "depth": 2}},
            "network.arguments.width",
        ),
        ({"augment": [{"kind": "flip"}]}, "augment"),
        ({"data__split": {"folds": 3, "fold": 1}}, "data.split.fold"),
    ],
)
def test_a_checkpoint_of_another_recipe_is_refused_with_what_differs(short, changes, named):
    with pytest.raises(CancelledError):
        train(short.recipe, short.data, short.out, watcher=stop_at(1))
    before = contents(short.out)
    write_recipe(segmenting(**{"training__steps": 2, **changes}), short.recipe)
    with pytest.raises(RecipeError, match=rf"another recipe \(differing in {named}\); give another --out"):
        train(short.recipe, short.data, short.out)
    assert contents(short.out) == before


def test_a_checkpoint_of_other_cases_is_refused_with_how_many_there_are(short):
    with pytest.raises(CancelledError):
        train(short.recipe, short.data, short.out, watcher=stop_at(1))
    write_cases(short.data, 7)
    with pytest.raises(
        RecipeError, match=r"other cases: 4 to train on and 2 to validate on .*, not 4 to train on and 3"
    ):
        train(short.recipe, short.data, short.out)


def test_an_interrupted_training_keeps_its_curves_and_goes_on(short):
    with pytest.raises(CancelledError, match="stopped after step 1 of 2; run it again to go on from there"):
        train(short.recipe, short.data, short.out, watcher=stop_at(1))
    assert (short.out / "training" / "curves.png").is_file()
    assert not (short.out / "model.json").exists()
    witness = Witness()
    train(short.recipe, short.data, short.out, watcher=witness)
    assert witness.began == 1


def test_a_place_that_holds_something_else_is_refused_and_left_as_it_is(short):
    short.out.write_text("mine")
    with pytest.raises(OutputError, match="model is a file"):
        train(short.recipe, short.data, short.out)
    assert short.out.read_text() == "mine"
    with pytest.raises(OutputError, match=r"data holds something else than a training, such as \w+/case_"):
        train(short.recipe, short.data, short.data)
    assert sorted(path.name for path in short.data.iterdir()) == ["images", "labels"]


def test_an_empty_folder_is_a_place(short):
    short.out.mkdir()
    assert train(short.recipe, short.data, short.out).trained


@pytest.mark.parametrize("moved", [0, 1, 3])
def test_a_death_while_the_model_is_written_loses_nothing_of_the_training(short, monkeypatch, moved):
    """The files of the model are moved into place one by one; ``moved`` of them are."""
    import vesalius.aside

    class Death(BaseException):
        pass

    def some(source, target):
        files = sorted(path for path in source.rglob("*") if path.is_file())
        for path in files[:moved]:
            to = target / path.relative_to(source)
            to.parent.mkdir(exist_ok=True)
            path.replace(to)
        left = target / ".01234567-model"  # what a process that is killed cannot take away
        left.mkdir()
        (left / "network.onnx").write_bytes(b"half")
        raise Death

    monkeypatch.setattr(vesalius.aside, "_move_into", some)
    with pytest.raises(Death):
        train(short.recipe, short.data, short.out)
    monkeypatch.undo()
    kept = checkpoint_of(short.out)
    assert kept.state.step == 2

    witness = Witness()
    assert train(short.recipe, short.data, short.out, watcher=witness).trained
    assert not witness.losses
    assert same_tensors(kept, checkpoint_of(short.out))
    open_model(short.out).verify()
    assert not list(short.out.rglob(".*"))
    assert len((short.out / "training" / "log.csv").read_text().splitlines()) == 3


def test_a_fold_is_kept_in_the_recipe_and_no_other_goes_on_from_it(short):
    outcome = train(short.recipe, short.data, short.out, fold=Fold(2))
    kept = read_recipe(short.out / "training" / "recipe.toml")
    assert (kept.data.split.fold, kept.data.split.folds) == (2, 3)
    assert outcome.result.recipe["data"]["split"]["fold"] == 2
    dataset = open_dataset(short.data)
    chosen = {case.name for case in divide(dataset, kept.data).validation}
    assert chosen.isdisjoint(case.name for case in divide(dataset, read_recipe(short.recipe).data).validation)
    with pytest.raises(RecipeError, match=r"differing in data\.split\.fold"):
        train(short.recipe, short.data, short.out, fold=Fold(1))
    with pytest.raises(RecipeError, match=r"differing in data\.split\.fold"):
        train(short.recipe, short.data, short.out)
    assert not train(short.recipe, short.data, short.out, fold=Fold(2)).trained


def test_a_fold_that_is_not_there_is_refused(short):
    with pytest.raises(UsageError, match="there is no fold 3; the recipe makes 3"):
        train(short.recipe, short.data, short.out, fold=Fold(3))
    with pytest.raises(UsageError, match="there is no fold 4; the recipe makes 4"):
        train(short.recipe, short.data, short.out, fold=Fold(4, 4))
    assert not short.out.exists()


def test_data_with_cases_of_their_own_to_validate_on_have_no_folds(short):
    rows = "".join(
        f"images/case_{n}.nii.gz,labels/case_{n}.nii.gz,{'validation' if n < 2 else 'train'}\n" for n in range(6)
    )
    (short.data / "manifest.csv").write_text("image,label,split\n" + rows)
    with pytest.raises(UsageError, match="brings its own cases to validate on, so there are no folds"):
        train(short.recipe, short.data / "manifest.csv", short.out, fold=Fold(0))


def test_the_recipe_is_kept_as_it_was_written(short):
    text = "# why it is so\n" + short.recipe.read_text()
    short.recipe.write_text(text)
    train(short.recipe, short.data, short.out)
    assert (short.out / "training" / "recipe.toml").read_text() == text


def test_a_result_that_is_damaged_is_measured_again(short):
    first = train(short.recipe, short.data, short.out)
    (short.out / "training" / "result.json").write_text("{")
    second = train(short.recipe, short.data, short.out)
    assert second.trained
    assert second.result == first.result
    assert json.loads((short.out / "training" / "result.json").read_text())["on"] == "2 validation cases"


def test_a_device_that_is_not_there_is_refused(short):
    from vesalius.train.hardware import Hardware

    with pytest.raises(UsageError, match="--device is auto, cpu or cuda, not tpu"):
        train(short.recipe, short.data, short.out, Hardware("tpu"))
