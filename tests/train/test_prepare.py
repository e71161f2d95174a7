import errno
import os
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from phantoms import GRIDS, affine
from vesalius.engine.plan import network_grid
from vesalius.engine.progress import Progress
from vesalius.engine.region import Region, see
from vesalius.errors import DatasetError, NotEnoughDiskError
from vesalius.models.spec import NetworkSpec
from vesalius.results import Label, Labelmap
from vesalius.train import prepare as module
from vesalius.train.prepare import prepare, prepare_all
from vesalius.train.recipe import Recipe
from vesalius.volume import Geometry, Volume

SHAPE = (7, 9, 6)
OBLIQUE = affine((0.8, 1.1, 1.5), flip=True, oblique=True)


@dataclass(frozen=True, eq=False)
class Held:
    """A case in memory."""

    voxels: np.ndarray  # (C, I, J, K)
    labels: np.ndarray | None = None
    target: int | None = None
    matrix: np.ndarray = field(default_factory=lambda: OBLIQUE)
    name: str = "held"

    @property
    def geometry(self):
        return Geometry(self.voxels.shape[1:], self.matrix)

    def volume(self):
        return Volume(self.voxels, self.geometry, channels=tuple(f"channel {n}" for n in range(len(self.voxels))))

    def labelmap(self):
        if self.labels is None:
            return None
        named = {int(v): Label(name=f"{v}", colour="#ff0000") for v in np.unique(self.labels) if v}
        return Labelmap(self.labels, self.geometry, named)


def held(channels=1, matrix=OBLIQUE, labels=(0, 1, 2), **more):
    random = np.random.default_rng(0)
    voxels = random.gamma(2.0, 50.0, (channels, *SHAPE)).astype(np.float32)
    return Held(voxels, random.choice(np.array(labels, np.uint8), SHAPE), matrix=matrix, **more)


def recipe_for(task="segment", channels=1, grid=None, intensity=None, orientation="RAS"):
    first, labels = {"segment": (1, "ab"), "classify": (0, "ab"), "reconstruct": (0, "")}[task]
    return Recipe.model_validate({
        "name": "x", "task": task, "orientation": orientation, "channels": [f"{n}" for n in range(channels)],
        "labels": {n: {"name": name, "colour": "#ff0000"} for n, name in enumerate(labels, first)},
        "data": {"grid": grid or {"kind": "sliding", "patch": [4, 4, 4]}, "intensity": intensity or {"rule": "none"}},
        "network": {"net": "unet"}, "loss": {"terms": {"dice": 1}}, "training": {"steps": 1, "batch": 1},
        "origin": {"data": "none", "licence": "none"},
    })  # fmt: skip


def seen_by_the_engine(case, recipe):
    """(C, …): the tensor that the engine feeds the finished model."""
    network = NetworkSpec(
        weights="w", graph="g", golden="g", sha256="0" * 64, graph_sha256="0" * 64,
        grid=recipe.data.grid, intensity=recipe.data.intensity,
    )  # fmt: skip
    volume = case.volume().reoriented(recipe.orientation)
    return see(network, Region.whole(volume), network_grid(recipe.data.grid, volume.geometry)).image()


GRID_KINDS = [
    {"kind": "sliding", "patch": [4, 4, 4]},
    {"kind": "sliding", "patch": [4, 4, 4], "spacing": [1.3, 0.7, 1.0]},
    {"kind": "whole", "size": [5, 8, 4]},
    {"kind": "whole", "size": [5, 8, 4], "interpolation": "nearest"},
]
RULES = [
    {"rule": "none"},
    {"rule": "zscore", "nonzero": True},
    {"rule": "window", "low": 20.0, "high": 150.0, "mean": 80.0, "deviation": 30.0},
    {"rule": "percentile"},
]


@pytest.mark.parametrize("grid", GRID_KINDS, ids=["own", "spacing", "whole", "whole, nearest"])
@pytest.mark.parametrize("intensity", RULES, ids=lambda rule: rule["rule"])
@pytest.mark.parametrize("orientation", ["RAS", "LPS", "SAR"])
def test_training_sees_what_the_engine_will_see(grid, intensity, orientation):
    case, recipe = held(2), recipe_for("reconstruct", 2, grid, intensity, orientation)
    np.testing.assert_array_equal(prepare(case, recipe).image, seen_by_the_engine(case, recipe))


@pytest.mark.parametrize("matrix", GRIDS)
@pytest.mark.parametrize("spacing", [None, (1.3, 0.7, 0.93)], ids=["own", "resampled"])
def test_each_prepared_label_is_the_nearest_voxels(matrix, spacing):
    """Derived in world space by nibabel's conventions and scipy."""
    case = held(matrix=matrix)
    recipe = recipe_for(grid={"kind": "sliding", "patch": [4, 4, 4], "spacing": spacing})

    made = prepare(case, recipe)

    grid = network_grid(recipe.data.grid, case.geometry.reoriented("RAS"))
    index = np.indices(grid.shape).reshape(3, -1)
    world = grid.affine[:3, :3] @ index + grid.affine[:3, 3:]
    back = np.linalg.inv(matrix)
    source = back[:3, :3] @ world + back[:3, 3:]
    inside = np.all((source >= -0.5) & (source <= np.array(SHAPE)[:, None] - 0.5), axis=0)
    settled = np.abs(np.abs(source % 1) - 0.5).min(axis=0) > 1e-3  # not midway between two voxels
    nearest = map_coordinates(case.labels, source, order=0, mode="nearest")
    chosen = inside & settled
    assert chosen.mean() > 0.8
    np.testing.assert_array_equal(made.labels.ravel()[chosen], nearest[chosen])
    assert made.labels.shape == made.image.shape[1:] == grid.shape
    np.testing.assert_allclose(made.spacing, grid.spacing)


@pytest.mark.parametrize("orientation", ["RAS", "LPS", "SAR"])
def test_labels_stay_on_their_voxels(orientation):
    case = held()
    marked = replace(case, voxels=case.labels[np.newaxis].astype(np.float32))
    made = prepare(marked, recipe_for(orientation=orientation))
    np.testing.assert_array_equal(made.image[0], made.labels)


def test_foreground_is_where_labels_are_each_with_its_share():
    labels = np.zeros((40, 40, 40), np.uint8)
    labels[:30] = 1
    labels[35, 3:6, 7] = 2
    made = prepare(Held(np.ones((1, 40, 40, 40), np.float32), labels, matrix=np.eye(4)), recipe_for())

    found = made.labels[tuple(made.foreground.T)]

    assert np.bincount(found).tolist() == [0, 2048, 3]
    assert made.foreground[found == 2].tolist() == [[35, 3, 7], [35, 4, 7], [35, 5, 7]]
    assert np.ptp(made.foreground[found == 1], axis=0).tolist() == [29, 39, 39]
    assert len(np.unique(made.foreground, axis=0)) == len(made.foreground)


def test_a_case_without_a_labelled_voxel_has_no_foreground():
    assert prepare(held(labels=(0,)), recipe_for()).foreground.shape == (0, 3)


def test_a_class_is_kept_and_needs_no_labels():
    made = prepare(Held(held().voxels, target=1), recipe_for("classify", grid=GRID_KINDS[2]))
    assert (made.target, made.labels, made.foreground) == (1, None, None)


@pytest.mark.parametrize(
    ("case", "recipe", "words"),
    [
        (Held(held().voxels), recipe_for(), "the case held has no labels"),
        (held(labels=(0, 1, 7)), recipe_for(), "has the label 7, which the recipe does not name"),
        (held(2), recipe_for(), r"has 2 channel\(s\), the recipe names 1"),
        (held(), recipe_for("classify", grid=GRID_KINDS[2]), "has no class"),
        (held(target=2), recipe_for("classify", grid=GRID_KINDS[2]), "has the class 2, which the recipe does not name"),
        (Held(np.full((1, *SHAPE), np.nan, np.float32)), recipe_for("reconstruct"), "infinite or not a number"),
        (Held(np.full((1, *SHAPE), np.inf, np.float32)), recipe_for("reconstruct"), "infinite or not a number"),
    ],
)
def test_a_case_that_cannot_be_learned_from_is_named(case, recipe, words):
    with pytest.raises(DatasetError, match=words):
        prepare(case, recipe)


def test_a_label_that_no_case_has_is_refused(tmp_path):
    cases = [held(labels=(0, 1), name=f"{n}") for n in range(3)]
    with pytest.raises(DatasetError, match=r"none of the 3 cases to train on has the label 2 \(b\)"):
        prepare_all(cases, recipe_for(), tmp_path, Progress())
    assert len(prepare_all([*cases, held()], recipe_for(), tmp_path, Progress())) == 4


def test_large_images_lie_on_the_disk_and_small_ones_do_not(tmp_path, monkeypatch):
    case = held()
    monkeypatch.setattr(module, "_LARGE", case.voxels.nbytes)

    [mapped] = prepare_all([case], recipe_for(), tmp_path / "store", Progress())

    assert isinstance(mapped.image, np.memmap)
    assert not mapped.image.flags.writeable
    np.testing.assert_array_equal(mapped.image, prepare(case, recipe_for()).image)
    monkeypatch.setattr(module, "_LARGE", case.voxels.nbytes + 1)
    [kept] = prepare_all([case], recipe_for(), tmp_path / "other", Progress())
    assert not isinstance(kept.image, np.memmap)
    assert not (tmp_path / "other").exists()


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, "_LARGE", 1)
    monkeypatch.setattr(np, "save", full)
    with pytest.raises(NotEnoughDiskError):
        prepare_all([held()], recipe_for(), tmp_path / "store", Progress())
    assert list((tmp_path / "store").iterdir()) == []
