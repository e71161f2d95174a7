"""What is written is read back as the same recipe, with its reasons beside it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.errors import RecipeError
from vesalius.models.spec import LabelPlausibility, SlidingGrid, WindowIntensity
from vesalius.results import Code, Label
from vesalius.train.recipe import Data, Loss, Network, Provenance, Recipe, Training
from vesalius.train.recipe_file import read_recipe
from vesalius.train.recipe_write import recipe_toml
from vesalius.transforms.augment.kinds import Flip, Noise

RECIPES = Path(__file__).parents[2] / "recipes"


def made(**changes: object) -> Recipe:
    fields: dict[str, object] = {
        "name": "nodule",
        "task": "segment",
        "labels": {1: Label(name="nodule", colour="#f3c300", code=Code(value="27925004", meaning="Nodule"))},
        "data": Data(
            grid=SlidingGrid(patch=(16, 32, 1), spacing=(0.5, 0.5, 1e-5)), intensity=WindowIntensity(low=-1e16, high=3)
        ),
        "network": Network(net="residual-unet", arguments={"dims": 2, "strides": [[2, 1], [2, 2]]}, planar=True),
        "augment": (Flip(axes=(0, 1)), Noise()),
        "loss": Loss(terms={"cross-entropy": 1.0}, class_weights=(0.25, 1.0)),
        "training": Training(steps=3, batch=2, balance=True),
        "plausibility": {"nodule": LabelPlausibility(volume_ml=(0.1, 30.0))},
        "origin": Provenance(data="made up", licence="CC0"),
    }
    return Recipe.model_validate(fields | changes)


def read_back(text: str, folder: Path) -> Recipe:
    file = folder / "recipe.toml"
    file.write_text(text, encoding="utf-8")
    return read_recipe(file)


def test_a_recipe_comes_back_the_same(tmp_path: Path) -> None:
    assert read_back(recipe_toml(made()), tmp_path) == made()


@pytest.mark.parametrize("file", sorted(RECIPES.glob("*.toml")), ids=lambda file: file.stem)
def test_the_recipes_written_by_hand_come_back_the_same(file: Path, tmp_path: Path) -> None:
    assert read_back(recipe_toml(read_recipe(file)), tmp_path) == read_recipe(file)


def test_a_label_that_has_only_defaults_to_say_keeps_its_table(tmp_path: Path) -> None:
    recipe = made(plausibility={"nodule": LabelPlausibility()})
    assert read_back(recipe_toml(recipe), tmp_path) == recipe


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_text_comes_back_the_same(text: str) -> None:
    content = tomllib.loads(recipe_toml(made(summary=text, plausibility={text: LabelPlausibility(components=1)})))
    assert content.get("summary", "") == text
    assert content["plausibility"] == {text: {"components": 1}}


@given(st.floats(allow_nan=False), st.integers(-(2**63), 2**63 - 1))
def test_any_number_comes_back_the_same_and_of_its_type(real: float, whole: int) -> None:
    arguments = {"real": real, "whole": whole, "flag": True, "table": {"a b": [real, {"c": whole}]}}
    recipe = made(network=Network(net="residual-unet", arguments=arguments))
    found = tomllib.loads(recipe_toml(recipe))["network"]["arguments"]
    assert found == arguments
    assert [type(found[key]) for key in arguments] == [type(value) for value in arguments.values()]


def test_defaults_are_left_out_unless_there_is_a_reason_for_them(tmp_path: Path) -> None:
    plain, explained = recipe_toml(made()), recipe_toml(made(), {"data.split.folds": "five are usual"})
    assert "folds" not in plain
    assert "folds = 5 # five are usual" in explained
    assert read_back(explained, tmp_path) == made()


def test_each_reason_stands_where_its_value_is(tmp_path: Path) -> None:
    long = "as " + "very " * 40 + "long"
    reasons = {
        "training.batch": "two fit",
        "training.steps": long,
        "labels": "all cases have it",
        "data.grid": "slice by slice",
        "augment": "no sides",
        "augment.1.deviation": "of the noise",
    }
    text = recipe_toml(made(), reasons, "First line\nSecond line")
    lines = text.splitlines()
    assert lines[:2] == ["# First line", "# Second line"]
    assert "batch = 2 # two fit" in lines
    assert "deviation = 0.2 # of the noise" in lines
    for header, reason in (
        ("[labels.1]", "all cases have it"),
        ("[data.grid]", "slice by slice"),
        ("[[augment]]", "no sides"),
    ):
        assert lines[lines.index(header) - 1] == f"# {reason}"
    above = lines[: lines.index("steps = 3")]
    assert above[-1].endswith("long")
    assert max(map(len, lines)) <= 120
    assert read_back(text, tmp_path) == made()


def test_a_long_list_has_a_line_an_item(tmp_path: Path) -> None:
    recipe = made(limits=("x" * 80, "y" * 80))
    text = recipe_toml(recipe)
    assert f'limits = [\n  "{"x" * 80}",\n  "{"y" * 80}",\n]\n' in text
    assert read_back(text, tmp_path) == recipe


def test_an_argument_that_toml_cannot_hold_is_refused() -> None:
    with pytest.raises(RecipeError, match="cannot hold None"):
        recipe_toml(made(network=Network(net="residual-unet", arguments={"norm": None})))
