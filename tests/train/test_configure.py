"""What is proposed for data of known shapes, and that the memory it counts with is what a step takes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vesalius import nets
from vesalius.cli import run
from vesalius.engine.progress import Progress
from vesalius.errors import DatasetError, NotEnoughMemoryError
from vesalius.nets.cost import cost
from vesalius.train.case_fingerprint import CaseFingerprint
from vesalius.train.configure import Machine, Proposal, Wishes, propose, schedule
from vesalius.train.configure.cost import Work, step_cost, step_seconds
from vesalius.train.configure.patch import strides_of
from vesalius.train.data import open_dataset
from vesalius.train.declared import Declared
from vesalius.train.fingerprint import Fingerprint, fingerprint
from vesalius.train.losses import build_loss
from vesalius.train.recipe import Loss, Network, Recipe
from vesalius.train.recipe_file import read_recipe
from vesalius.volume import Geometry

CPU = Machine("cpu", 8 * 10**9, bf16=False)
GPU = Machine("cuda", 40 * 10**9, bf16=True)
DICE = Loss(terms={"dice": 1.0, "cross-entropy": 1.0})


def data(
    shape: tuple[int, int, int],
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
    count: int = 40,
    classes: Mapping[int, str] | None = None,
    declared: Declared | None = None,
    divided: bool = False,
    **case: Any,
) -> Fingerprint:
    """``count`` cases alike, of a patient each, with the label 1 unless they say otherwise."""
    usual = {
        "orientation": "RAS",
        "placed": True,
        "channels": ("image",),
        "modality": "",
        "eight_bit": False,
        "hounsfield": False,
        "zeros": 0.0,
        "samples": np.array([[0.0, 100.0]]),
        "voxels": {1: 5000},
        "target": None,
    }
    targets = case.pop("targets", [case.pop("target", None)] * count)
    cases = tuple(
        CaseFingerprint(
            name=f"c{n}", patient=f"p{n}", shape=shape, spacing=spacing, **(usual | {"target": target} | case)
        )
        for n, target in enumerate(targets)
    )
    return Fingerprint(cases, classes or {}, declared or Declared(), divided)


PICTURE: dict[str, Any] = {"orientation": "LPS", "placed": False, "eight_bit": True}
RGB = PICTURE | {
    "channels": ("red", "green", "blue"),
    "samples": np.array([[10.0, 20.0], [90.0, 100.0], [190.0, 200.0]]),
}

KINDS = {
    "isotropic MR": data((35, 50, 36), classes={1: "anterior", 2: "posterior"}, voxels={1: 900, 2: 800}, zeros=0.6),
    "anisotropic MR": data((320, 320, 24), (0.5, 0.5, 5.0)),
    "sagittal MR of few slices": data((5, 64, 64), (6.0, 1.0, 1.0)),
    "CT": data((128, 128, 96), (0.8, 0.8, 1.5), modality="CT"),
    "small cases": data((5, 200, 9)),
    "colour pictures": data((640, 480, 1), **RGB),
    "grey pictures with classes": data((28, 28, 1), targets=[0] * 30 + [1] * 10, voxels={}, **PICTURE),
    "MR with classes": data((64, 64, 48), targets=[0] * 20 + [1] * 20, voxels={}),
}


def proposed(found: Fingerprint, machine: Machine = CPU, **wishes: Any) -> Recipe:
    return propose(found, Wishes("test", **wishes), machine).recipe


@cache
def proposal_for(kind: str, machine: Machine) -> Proposal:
    return propose(KINDS[kind], Wishes("test"), machine)


def of_kind(kind: str, machine: Machine = CPU) -> Recipe:
    return proposal_for(kind, machine).recipe


def size(recipe: Recipe) -> tuple[int, int, int]:
    grid = recipe.data.grid
    return grid.patch if grid.kind == "sliding" else grid.size


def work(recipe: Recipe) -> Work:
    return Work(recipe.network, recipe.loss, "segment" if recipe.task == "segment" else "classify")


@pytest.mark.parametrize("kind", KINDS)
def test_a_proposal_is_a_valid_recipe_whose_step_fits_the_machine(kind: str, tmp_path: Path) -> None:
    proposal = proposal_for(kind, CPU)
    (tmp_path / "recipe.toml").write_text(proposal.toml(), encoding="utf-8")
    recipe = read_recipe(tmp_path / "recipe.toml")
    assert recipe == proposal.recipe
    taken = step_cost(work(recipe), (recipe.training.batch, len(recipe.channels), *size(recipe)))
    assert taken.bytes <= CPU.memory_bytes  # of a forward and a backward pass: so the levels fit the patch, too
    assert taken.flops <= CPU.step_flops
    assert recipe.training.batch >= 2


def test_derived_values_say_what_they_rest_on() -> None:
    text = proposal_for("isotropic MR", CPU).toml()
    for line in (
        "spacing = [1.0, 1.0, 1.0] # mm, the median spacing of 40 cases",
        "patch = [40, 56, 40] # the median of 40 cases is 35×50×36: it fits whole",
        "# Of 40 cases have them: 1: 40, 2: 40",
    ):
        assert line in text.splitlines()


def test_a_small_isotropic_scan_is_seen_whole_at_four_levels() -> None:
    recipe = of_kind("isotropic MR")
    assert size(recipe) == (40, 56, 40)
    arguments = recipe.network.arguments
    assert {key: arguments[key] for key in ("classes", "width", "depth")} == {"classes": 3, "width": 16, "depth": 4}
    assert recipe.data.grid.kind == "sliding"
    assert recipe.data.grid.spacing == (1.0, 1.0, 1.0)


def test_levels_halve_fine_axes_first_and_stop_at_four_voxels() -> None:
    assert strides_of((256, 256, 24), (0.5, 0.5, 5.0)) == ((2, 2, 1),) * 3 + ((2, 2, 2),) * 2
    assert strides_of((32, 16, 8), (1.0, 1.0, 1.0)) == ((2, 2, 2), (2, 2, 1), (2, 1, 1))
    assert strides_of((15, 15, 1), (1.0, 1.0, 1.0)) == ((2, 2, 1),)


def test_an_anisotropic_patch_covers_like_lengths_in_millimetres() -> None:
    recipe = of_kind("anisotropic MR")
    assert recipe.data.grid.kind == "sliding"
    assert recipe.data.grid.spacing == (0.5, 0.5, 5.0)
    i, j, k = size(recipe)
    assert i * 0.5 == pytest.approx(k * 5, rel=0.35)
    assert abs(i - j) <= 32
    assert recipe.network.arguments["strides"][0] == [2, 2, 1]


def test_few_slices_lie_along_the_third_axis_of_a_planar_network() -> None:
    recipe = of_kind("sagittal MR of few slices")
    assert recipe.network.planar
    assert recipe.network.arguments["dims"] == 2
    assert size(recipe)[2] == 1
    assert Geometry.from_spacing((5, 64, 65), (6, 1, 1)).reoriented(recipe.orientation).shape == (64, 65, 5)
    assert recipe.data.grid.kind == "sliding"
    assert recipe.data.grid.spacing == (1.0, 1.0, 6.0)
    assert "flip" not in [augmentation.kind for augmentation in recipe.augment]  # left and right lie across the slices


def test_a_planar_network_halves_its_rows_and_columns_as_the_patch_has_them() -> None:
    recipe = proposed(data((256, 32, 1), **PICTURE))
    assert size(recipe)[0] > size(recipe)[1]
    assert recipe.network.arguments["strides"][-1] == [1, 2]  # rows, columns: the patch is wide and low


def test_less_memory_gives_a_smaller_patch_and_no_memory_none() -> None:
    little = Machine("cpu", 100 * 10**6, bf16=False)
    whole, part = of_kind("isotropic MR"), proposed(KINDS["isotropic MR"], little)
    assert np.prod(size(part)) < np.prod(size(whole))
    with pytest.raises(NotEnoughMemoryError, match="--memory"):
        proposed(KINDS["isotropic MR"], Machine("cpu", 10**6, bf16=False))
    with pytest.raises(NotEnoughMemoryError, match="--memory"):
        proposed(KINDS["MR with classes"], Machine("cpu", 10**7, bf16=False))


def test_a_batch_is_the_largest_power_of_two_that_fits() -> None:
    recipe = of_kind("isotropic MR")
    twice = step_cost(work(recipe), (2 * recipe.training.batch, 1, *size(recipe)))
    share = 2 * recipe.training.batch * np.prod(size(recipe)) / (40 * 35 * 50 * 36)
    assert twice.flops > CPU.step_flops or twice.bytes > CPU.memory_bytes or share > 0.05


def test_a_gpu_gets_a_wider_network_on_more_of_the_scan() -> None:
    small, large = of_kind("CT"), of_kind("CT", GPU)
    assert (small.network.arguments["width"], large.network.arguments["width"]) == (16, 32)
    assert size(large) == (128, 128, 96)
    assert np.prod(size(small)) < np.prod(size(large))


def test_a_ct_keeps_its_window_and_an_mr_its_own_scale() -> None:
    values = np.linspace(-100, 300, 1001)[None]
    ct = proposed(data((8, 8, 8), modality="CT", samples=values)).data.intensity
    assert ct.rule == "window"
    assert (ct.low, ct.high) == pytest.approx((-98, 298))
    assert (ct.mean, ct.deviation) == pytest.approx((100, 400 / np.sqrt(12)), rel=0.01)
    cropped, whole = proposed(data((8, 8, 8), zeros=0.6)).data.intensity, proposed(data((8, 8, 8))).data.intensity
    assert cropped.rule == whole.rule == "zscore"
    assert cropped.nonzero
    assert not whole.nonzero


def test_colours_keep_their_meaning_and_grey_pictures_their_own_scale() -> None:
    colour = of_kind("colour pictures").data.intensity
    assert colour.rule == "window"
    assert (colour.low, colour.high) == (0, 255)
    assert colour.mean == pytest.approx(np.mean([10, 20, 90, 100, 190, 200]), abs=0.5)
    assert of_kind("grey pictures with classes").data.intensity.rule == "zscore"


@pytest.mark.parametrize(
    ("name", "flips"), [("Left kidney", False), ("hippocampus_R", False), ("liver", True), ("cleft", True)]
)
def test_what_has_a_side_is_not_flipped(name: str, flips: bool) -> None:
    recipe = proposed(data((8, 8, 8), classes={1: name}))
    assert ("flip" in [augmentation.kind for augmentation in recipe.augment]) == flips


def test_pictures_stay_upright_and_have_no_millimetres() -> None:
    recipe = of_kind("colour pictures")
    assert recipe.orientation == "LPS"
    assert recipe.data.grid.kind == "sliding"
    assert recipe.data.grid.spacing is None
    assert recipe.network.planar


def test_rare_classes_are_drawn_as_often_as_common_ones() -> None:
    recipe = of_kind("grey pictures with classes")
    assert recipe.task == "classify"
    assert recipe.training.balance
    assert recipe.network.arguments["small"]
    assert size(recipe) == (28, 28, 1)
    assert not of_kind("MR with classes").training.balance


def test_large_pictures_are_classified_at_the_size_of_imagenets() -> None:
    recipe = proposed(data((2000, 1000, 1), targets=[0, 1] * 20, voxels={}, **PICTURE), GPU)
    assert size(recipe) == (224, 112, 1)
    assert "small" not in recipe.network.arguments


def test_usual_volumes_are_those_of_the_cases() -> None:
    bounds = of_kind("CT").plausibility["label 1"].volume_ml
    volume = 5000 * 0.8 * 0.8 * 1.5 / 1000
    assert bounds == pytest.approx((volume / 1.5, volume * 1.5), rel=0.01)
    assert not proposed(data((8, 8, 8), count=9)).plausibility


def test_what_the_data_say_of_themselves_stands_in_the_recipe() -> None:
    declared = Declared(("MRI",), "A study", "A paper", "CC0")
    recipe = proposed(data((8, 8, 8), classes={1: "tumour"}, declared=declared))
    assert recipe.modality == ("MR",)
    assert recipe.channels == ("MRI",)
    assert recipe.labels[1].name == "tumour"
    assert (recipe.origin.data, recipe.origin.citation, recipe.origin.licence) == ("A study", "A paper", "CC0")


def test_minutes_give_the_steps_that_they_have_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "step_seconds", lambda *_: 0.5)
    assert proposed(KINDS["isotropic MR"], minutes=10).training.steps == 10 * 60 * 0.8 / 0.5


def test_a_step_is_really_made_to_measure_it() -> None:
    tiny = Work(Network(net="residual-unet", arguments={"width": 4, "depth": 2}), DICE, "segment")
    assert 0 < step_seconds(tiny, (2, 1, 8, 8, 8), CPU) < 60


def test_few_patients_are_as_many_folds_and_one_is_none() -> None:
    assert proposed(data((8, 8, 8), count=3)).data.split.folds == 3
    with pytest.raises(DatasetError, match="one patient"):
        proposed(data((8, 8, 8), count=1))
    assert proposed(data((8, 8, 8), count=1, divided=True)).data.split.folds == 5


@pytest.mark.parametrize(
    ("found", "task", "message"),
    [
        (data((8, 8, 8), voxels={1: 5, 3: 5}), None, "1, 3 have gaps"),
        (data((8, 8, 8), voxels={}), None, "neither labels nor classes"),
        (data((8, 8, 8), voxels={}, target=0), None, "one class"),
        (data((8, 8, 8)), "classify", "no classes"),
        (data((28, 28, 1), voxels={}, target=1), "segment", "no labels"),
    ],
)
def test_data_that_cannot_teach_it_are_refused(found: Fingerprint, task: Any, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        proposed(found, task=task)


UNET = Network(
    net="residual-unet", arguments={"dims": 3, "classes": 3, "width": 8, "depth": 3, "deep_supervision": True}
)
SHAPE = (2, 1, 32, 32, 24)


def test_memory_and_arithmetic_are_those_of_a_step_that_is_really_made() -> None:
    """Against what autograd keeps of a real step, each storage once, and the arithmetic of a real forward pass."""
    module = nets.build(UNET.net, UNET.arguments).train()
    own = {parameter.data_ptr() for parameter in module.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = build_loss(DICE, (1, 1, 1))(module(torch.randn(SHAPE)), torch.zeros((2, *SHAPE[2:]), dtype=torch.uint8))
    activations = sum(count for place, count in kept.items() if place not in own)
    parameters = sum(parameter.numel() for parameter in module.parameters())
    found = step_cost(Work(UNET, DICE, "segment"), SHAPE)
    peak = found.working / 1.3
    assert found.kept == 5 * 4 * parameters
    assert loss.requires_grad  # the graph, and so all that it keeps, is still there
    assert activations < peak < 1.6 * activations  # and the gradients of the widest level
    forward = cost(module, SHAPE).flops
    assert 2.5 * forward < found.flops < 3 * forward  # backward is twice forward, but for the image itself


def test_what_a_step_takes_grows_with_the_batch() -> None:
    one, two = (step_cost(Work(UNET, DICE, "segment"), (count, *SHAPE[1:])) for count in (1, 2))
    assert two.kept == one.kept
    assert two.working == pytest.approx(one.times(2).working, rel=0.01)
    assert two.flops == one.times(2).flops == 2 * one.flops


_CHILD = """
import sys, torch
from vesalius import nets
from vesalius.engine.memory import peak_bytes, resident_bytes
from vesalius.train.losses import build_loss
from vesalius.train.recipe import Loss
arguments = {"dims": 3, "classes": 3, "width": 16, "depth": 4, "deep_supervision": True}
module = nets.build("residual-unet", arguments).train()
criterion = build_loss(Loss(terms={"dice": 1.0, "cross-entropy": 1.0}), (1, 1, 1))
def step(*shape):
    criterion(module(torch.randn(shape)), torch.zeros((shape[0], *shape[2:]), dtype=torch.uint8)).backward()
step(1, 1, 16, 16, 16)
before = resident_bytes()
step(2, 1, 48, 48, 48)
print(peak_bytes() - before)
"""


@pytest.mark.slow
def test_the_memory_of_the_process_grows_by_what_was_counted() -> None:
    shown = subprocess.run([sys.executable, "-c", _CHILD], capture_output=True, text=True, check=True)
    arguments = {"dims": 3, "classes": 3, "width": 16, "depth": 4, "deep_supervision": True}
    network = Network(net="residual-unet", arguments=arguments)
    counted = step_cost(Work(network, DICE, "segment"), (2, 1, 48, 48, 48)).working
    assert int(shown.stdout) == pytest.approx(counted, rel=0.3)


def test_the_hippocampus_set_gets_what_was_written_by_hand(hippocampus: Path) -> None:
    recipe = proposed(fingerprint(open_dataset(hippocampus), Progress()))
    assert size(recipe) == (40, 56, 40)
    assert recipe.data.grid.kind == "sliding"
    assert recipe.data.grid.spacing == (1.0, 1.0, 1.0)
    assert recipe.network.arguments["classes"] == 3
    assert recipe.data.intensity.rule == "zscore"


def test_the_pneumonia_set_gets_a_small_resnet(pneumonia: Path) -> None:
    proposal = propose(fingerprint(open_dataset(pneumonia), Progress()), Wishes("pneumonia"), CPU)
    assert (proposal.recipe.task, size(proposal.recipe)) == ("classify", (28, 28, 1))
    assert proposal.recipe.network.arguments["classes"] == 2
    assert proposal.recipe.training.batch >= 16


def test_the_verb_writes_a_recipe_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = np.random.default_rng(0).integers(0, 255, (6, 12, 12)).astype(np.uint8)
    np.savez(tmp_path / "My Data.npz", train_images=images, train_labels=np.arange(6)[:, None] % 2)
    arguments = [
        "data",
        "recipe",
        str(tmp_path / "My Data.npz"),
        "--out",
        str(tmp_path / "recipe.toml"),
        "--memory",
        "1",
    ]
    assert run(arguments) == 0
    recipe = read_recipe(tmp_path / "recipe.toml")
    assert (recipe.name, recipe.task) == ("my-data", "classify")
    assert run(arguments) == 2
    assert "there already" in capsys.readouterr().err
    assert run([*arguments[:-3], str(tmp_path / "other.toml"), "--task", "segment"]) == 3
    assert not (tmp_path / "other.toml").exists()
