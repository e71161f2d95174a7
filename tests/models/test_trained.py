"""The models trained here: whole, described, and as good as their cards say on cases they never learned from."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

import vesalius as vs
from vesalius.analysis import verify
from vesalius.measure.ranking import auroc
from vesalius.models.card import render
from vesalius.models.folder import CARD_FILE, open_model
from vesalius.train.recipe_file import read_recipe

NAMES = ("hippocampus", "pneumonia", "retinal-vessels")
RECIPES = Path(__file__).parents[2] / "recipes"
FEW_MB = 16 * 2**20


@pytest.mark.parametrize("name", NAMES)
def test_it_is_whole_and_its_golden_case_comes_out(name):
    folder = open_model(name)
    folder.verify()
    assert all(verdict.agrees for _, verdict in verify(name) if verdict.info.precision == "f32")
    assert sum(file.stat().st_size for file in folder.path.rglob("*") if file.is_file()) < FEW_MB


@pytest.mark.parametrize("name", NAMES)
def test_its_card_is_that_of_its_description_and_states_split_seed_and_figures(name):
    folder = open_model(name)
    spec = folder.spec
    assert folder.file(CARD_FILE).read_text(encoding="utf-8") == render(spec)
    assert "to train on" in spec.origin.split
    assert spec.origin.seed is not None
    assert spec.scores
    assert spec.limits
    assert spec.origin.licence.startswith("CC BY")


@pytest.mark.parametrize("name", NAMES)
def test_its_recipe_says_what_it_is(name):
    recipe, spec = read_recipe(RECIPES / f"{name}.toml"), open_model(name).spec
    for field in ("name", "version", "task", "summary", "uses", "limits", "channels", "orientation", "labels", "post"):
        assert getattr(recipe, field) == getattr(spec, field), field
    assert recipe.data.grid == spec.network.grid
    assert recipe.data.intensity == spec.network.intensity


def held_out(folder: Path, count: int) -> list[str]:
    """The first cases of fold 0 of 5 with seed 0, drawn as the card says."""
    names = sorted(path.name.removesuffix(".nii.gz") for path in (folder / "labels").iterdir())
    shuffled = np.random.default_rng(0).permutation(len(names))
    return sorted(names[place] for place in shuffled[0::5])[:count]


@pytest.mark.slow
def test_the_hippocampus_is_found_in_cases_never_trained_on(hippocampus):
    scores = []
    for name in held_out(hippocampus, 8):
        found = vs.analyze(hippocampus / "images" / f"{name}.nii.gz", "hippocampus").labelmap.voxels
        truth = np.asanyarray(nib.load(hippocampus / "labels" / f"{name}.nii.gz").dataobj)
        for value in (1, 2):
            both = ((found == value) & (truth == value)).sum()
            scores.append(2 * both / ((found == value).sum() + (truth == value).sum()))
    assert np.mean(scores) > 0.85


@pytest.mark.slow
def test_pneumonia_is_told_from_none_in_the_validation_images(pneumonia, tmp_path):
    with np.load(pneumonia) as file:
        images, labels = file["val_images"][::5], file["val_labels"][::5, 0]
    scores = []
    for number, image in enumerate(images):
        path = tmp_path / f"{number}.png"
        Image.fromarray(image).save(path)
        scores.append(vs.analyze(path, "pneumonia").scores["pneumonia"])
    assert auroc(np.array(scores), labels == 1) > 0.97


@pytest.mark.slow
def test_vessels_are_outlined_in_a_photograph_of_a_subject_never_trained_on(retinal_vessels):
    report = vs.analyze(retinal_vessels / "Image_09L.jpg", "retinal-vessels")
    truth = np.asarray(Image.open(retinal_vessels / "Image_09L_1stHO.png").convert("L")).T > 0
    found = report.labelmap.voxels[..., 0] == 1
    assert found.shape == truth.shape == (999, 960)
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.75
