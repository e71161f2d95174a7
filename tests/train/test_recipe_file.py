from pathlib import Path

import pytest

from vesalius.errors import RecipeError
from vesalius.train.recipe_file import manifest_of, read_recipe

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.toml"))
SOUND = """
name = "x"
task = "segment"
orientation = "RAS"

[labels.1]
name = "a"
colour = "#ff0000"

[data]
intensity = { rule = "zscore" }

[data.split]
fold = 0

[data.grid]
kind = "sliding"
patch = [8, 8, 8]

[network]
net = "unet"
arguments = { anything = 1 }

[[augment]]
kind = "flip"
axes = [0]

[[augment]]
kind = "affine"
degrees = 15.0

[loss]
terms = { dice = 1.0 }

[training]
steps = 1
batch = 1

[plausibility.a]
components = 1

[origin]
data = "none"
licence = "none"
"""


def written(folder, text):
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return path


def changed(folder, old, new):
    assert SOUND.count(old) == 1
    return written(folder, SOUND.replace(old, new))


def test_a_sound_recipe_is_read(tmp_path):
    recipe = read_recipe(written(tmp_path, SOUND))
    assert recipe.labels[1].name == "a"
    assert recipe.network.arguments == {"anything": 1}
    assert [augmentation.kind for augmentation in recipe.augment] == ["flip", "affine"]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_recipes_that_come_with_vesalius_are_sound(path):
    recipe = read_recipe(path)
    assert recipe.name == path.stem
    manifest = manifest_of(recipe, path)
    assert manifest is None or manifest.is_file()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('task = "segment"', 'tsk = "segment"', "unknown key 'tsk'; did you mean 'task'"),
        ("steps = 1", "step = 1", r"unknown key 'step' in \[training\]; did you mean 'steps'"),
        ("fold = 0", "folded = 0", r"unknown key 'folded' in \[data.split\]; did you mean 'fold' or 'folds'"),
        ("patch = [8, 8, 8]", "path = [8, 8, 8]", r"unknown key 'path' in \[data.grid\]; did you mean 'patch'"),
        ("axes = [0]", "axis = [0]", r"unknown key 'axis' in \[augment.1\]; did you mean 'axes'"),
        ("degrees = 15.0", "degree = 15.0", r"unknown key 'degree' in \[augment.2\]; did you mean 'degrees'"),
        ('colour = "#ff0000"', 'color = "#ff0000"', r"unknown key 'color' in \[labels.1\]; did you mean 'colour'"),
        (
            'name = "a"',
            'name = "a"\ncode = { shceme = "SCT" }',
            r"'shceme' in \[labels.1.code\]; did you mean 'scheme'",
        ),
        ('rule = "zscore"', 'rule = "zscore", nonzeros = true', r"\[data.intensity\]; did you mean 'nonzero'"),
        ("components = 1", "component = 1", r"'component' in \[plausibility.a\]; did you mean 'components'"),
        ('licence = "none"', 'licence = "none"\nzzz = 1', r"\[origin\]; did you mean 'citation' or 'data' or"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_known_one(tmp_path, old, new, words):
    with pytest.raises(RecipeError, match=words):
        read_recipe(changed(tmp_path, old, new))


def test_keys_of_another_kind_of_the_same_part_are_unknown(tmp_path):
    """``size`` belongs to the grid of kind whole."""
    with pytest.raises(RecipeError, match=r"unknown key 'size' in \[data\.grid\]"):
        read_recipe(changed(tmp_path, "patch = [8, 8, 8]", "patch = [8, 8, 8]\nsize = [8, 8, 8]"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("steps = 1", "steps = 0", "training.steps is 0: input should be greater than 0"),
        ("steps = 1", 'steps = "many"', "training.steps is 'many': "),
        ("steps = 1\n", "", "training.steps is missing"),
        ('task = "segment"', 'task = "guess"', "task is 'guess': input should be 'segment'"),
        ("patch = [8, 8, 8]", "patch = [8, 0, 8]", r"data\.grid\.patch\.2 is 0: "),
        ("patch = [8, 8, 8]", "patch = [8, 8]", "data.grid.patch.3 is missing"),
        ("patch = [8, 8, 8]\n", "", r"data\.grid\.patch is missing"),
        ("degrees = 15.0", 'degrees = "steep"', r"augment\.2\.degrees is 'steep'"),
        ('kind = "sliding"', 'kind = "sliding-window"', "data.grid: .*'sliding-window'.*'whole', 'sliding'"),
        ('colour = "#ff0000"', 'colour = "red"', "labels.1.colour is 'red'"),
        ("[labels.1]", "[labels.one]", r"labels\.one is 'one'"),
        ('[network]\nnet = "unet"\narguments = { anything = 1 }', "", "network is missing"),
    ],
)
def test_a_value_that_cannot_be_is_named_with_its_place(tmp_path, old, new, words):
    with pytest.raises(RecipeError, match=words):
        read_recipe(changed(tmp_path, old, new))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('net = "unet"', 'net = "unett"', "there is no network 'unett'; did you mean 'unet'"),
        ("dice = 1.0", "dise = 1.0", "there is no loss 'dise'; did you mean 'dice'"),
        ("dice = 1.0", "", "loss.terms: there is nothing to make small"),
        ("[labels.1]", "[labels.2]", "numbered from 1, in order and without gaps"),
        ("[data]", '[labels.2]\nname = "a"\ncolour = "#00ff00"\n\n[data]', "two have the same name: a, a"),
        ('task = "segment"', 'task = "classify"', "for the task classify they are numbered from 0"),
        ('[labels.1]\nname = "a"\ncolour = "#ff0000"\n', "", "the task segment needs at least 1 of them"),
        ('kind = "sliding"\npatch', 'kind = "whole"\nsize', "data.grid.kind: for the task segment it is 'sliding'"),
        ("anything = 1", "classes = 5", "network.arguments.classes is 5, .* make it 2"),
        ("anything = 1", "channels = 3", "network.arguments.channels is 3, .* make it 1"),
        ("dice = 1.0 }", "dice = 1.0 }\nclass_weights = [1.0, 1.0, 1.0]", "has 3 weights, .* make it 2"),
        ("fold = 0", "fold = 5", "data.split.fold is 5, but there are 5 folds"),
        ("[plausibility.a]", "[plausibility.aa]", "there is no label 'aa'; did you mean 'a'"),
        ('orientation = "RAS"', 'orientation = "RAX"', "orientation: "),
    ],
)
def test_parts_that_contradict_each_other_are_named(tmp_path, old, new, words):
    with pytest.raises(RecipeError, match=words):
        read_recipe(changed(tmp_path, old, new))


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"name = ", "is no TOML"), (b"\xff\xfe", "cannot be read"), (b"", r"name is missing"), (None, "cannot be read")],
)
def test_what_is_no_recipe_is_said(tmp_path, content, words):
    path = tmp_path / "recipe.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecipeError, match=words):
        read_recipe(path)


def test_what_looks_like_code_stays_text(tmp_path):
    path = changed(tmp_path, "anything = 1", "anything = \"__import__('os').system('false')\"")
    assert read_recipe(path).network.arguments == {"anything": "__import__('os').system('false')"}


def test_a_manifest_lies_beside_its_recipe(tmp_path):
    path = changed(tmp_path, "[data]\n", '[data]\nmanifest = "cases.csv"\n')
    assert manifest_of(read_recipe(path), path) == tmp_path / "cases.csv"
    outside = changed(tmp_path, "[data]\n", '[data]\nmanifest = "../cases.csv"\n')
    with pytest.raises(RecipeError, match=r"data\.manifest is '\.\./cases\.csv'"):
        read_recipe(outside)
