"""The loop, on the CPU and in one process: exact when resumed, and what stops it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
import torch

from tiny_trainings import Witness, make_loop, same_tensors, segmenting, write_cases
from vesalius.errors import CancelledError, NotEnoughDiskError, TrainingError, UsageError
from vesalius.train.checkpoint import Checkpoint, load
from vesalius.train.loop import Loop
from vesalius.train.place import CHECKPOINT
from vesalius.train.watch import Score

CHAIN = [{"kind": "flip", "axes": [0]}, {"kind": "affine"}, {"kind": "noise"}]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cases(tmp_path_factory.mktemp("data"))


def stop_at(step: int) -> Witness:
    def at(now: int) -> None:
        if now == step:
            raise CancelledError("enough")

    return Witness(at)


def ended(loop: Loop, folder: Path) -> Checkpoint:
    loop.run()
    return load(folder / CHECKPOINT)


@pytest.fixture(scope="module")
def straight(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    folder = tmp_path_factory.mktemp("straight")
    return ended(make_loop(segmenting(augment=CHAIN, training__ema=0.9), data, folder), folder)


@pytest.mark.parametrize("step", [1, 2, 3, 4, 5])
def test_stopped_at_any_step_and_run_again_it_ends_with_the_same_bits(data, tmp_path, straight, step):
    recipe = segmenting(augment=CHAIN, training__ema=0.9)
    with pytest.raises(CancelledError, match=f"after step {step} of 6"):
        make_loop(recipe, data, tmp_path, stop_at(step)).run()
    assert load(tmp_path / CHECKPOINT).state.step == step

    witness = Witness()
    again = ended(make_loop(recipe, data, tmp_path, witness), tmp_path)

    assert witness.began == step
    assert sorted(witness.losses) == list(range(step + 1, 7))
    assert same_tensors(straight, again)
    assert (again.state.best_score, again.state.best_step) == (straight.state.best_score, straight.state.best_step)


def test_at_the_last_step_there_is_nothing_to_stop(data, tmp_path, straight):
    recipe = segmenting(augment=CHAIN, training__ema=0.9)
    assert same_tensors(straight, ended(make_loop(recipe, data, tmp_path, stop_at(6)), tmp_path))


def test_a_death_between_two_checkpoints_loses_only_what_came_after_the_first(data, tmp_path, straight):
    class Death(BaseException):
        pass

    def die(step: int) -> None:
        if step == 5:
            raise Death

    recipe = segmenting(augment=CHAIN, training__ema=0.9)
    with pytest.raises(Death):
        make_loop(recipe, data, tmp_path, Witness(die)).run()
    assert load(tmp_path / CHECKPOINT).state.step == 4

    assert same_tensors(straight, ended(make_loop(recipe, data, tmp_path), tmp_path))
    steps = [line.split(",")[0] for line in (tmp_path / "log.csv").read_text().splitlines()[1:]]
    assert steps == ["1", "2", "3", "4", "5", "6"]


def test_the_seed_decides_everything(data, tmp_path):
    def weights(seed: int, name: str) -> Checkpoint:
        return ended(
            make_loop(segmenting(seed=seed, augment=CHAIN, training__steps=2), data, tmp_path / name), tmp_path / name
        )

    first = weights(3, "a")
    torch.rand(5)
    assert same_tensors(first, weights(3, "b"))
    assert not same_tensors(first, weights(4, "c"), ["network"])


def poison(loop: Loop, at: int, value: float) -> None:
    """From step ``at`` on the images hold ``value``."""
    draw = loop.parts.sampler.draw

    def poisoned(step, rank, world, device):
        batch = draw(step, rank, world, device)
        if step == at:
            batch.images[0, 0, 0, 0, 0] = value
        return batch

    loop.parts.sampler.draw = poisoned


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_names_the_batch_and_keeps_the_checkpoint(data, tmp_path, value):
    loop = make_loop(segmenting(), data, tmp_path)
    poison(loop, 4, value)
    with pytest.raises(TrainingError, match="loss of step 5 is nan") as caught:
        loop.run()
    for name in loop.parts.sampler.names(4):
        assert name in str(caught.value)

    kept = load(tmp_path / CHECKPOINT)
    assert kept.state.step == 4
    assert all(torch.isfinite(tensor).all() for tensor in kept.parts["network"].values())
    assert ended(make_loop(segmenting(), data, tmp_path), tmp_path).state.step == 6


def test_a_gradient_that_is_no_number_spoils_no_weights(data, tmp_path):
    loop = make_loop(segmenting(training__checkpoint_every=1), data, tmp_path)
    before = load_after(loop, tmp_path)
    weight = next(loop.parts.network.parameters())
    handle = weight.register_hook(lambda gradient: gradient * float("nan"))
    with pytest.raises(TrainingError, match="gradient of step 3 is nan"):
        loop.run()
    handle.remove()

    assert same_tensors(before, load(tmp_path / CHECKPOINT))
    assert all(torch.isfinite(parameter).all() for parameter in loop.parts.network.parameters())


def load_after(loop: Loop, folder: Path) -> Checkpoint:
    """Two steps on."""
    for _ in range(2):
        loop._advance(None)
    return load(folder / CHECKPOINT)


def test_a_full_disk_keeps_the_checkpoint_before(data, tmp_path, monkeypatch):
    def full(*arguments: object) -> None:
        if loop.state.step == 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written(*arguments)

    import safetensors.torch

    written = safetensors.torch.save_file
    monkeypatch.setattr("safetensors.torch.save_file", full)
    loop = make_loop(segmenting(), data, tmp_path)
    with pytest.raises(NotEnoughDiskError, match="checkpoint"):
        loop.run()
    monkeypatch.undo()

    assert load(tmp_path / CHECKPOINT).state.step == 2
    assert not list(tmp_path.glob(".*"))
    assert ended(make_loop(segmenting(), data, tmp_path), tmp_path).state.step == 6


def test_a_full_disk_while_logging_is_the_same_error(data, tmp_path, monkeypatch):
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("vesalius.train.logs._append", full)
    with pytest.raises(NotEnoughDiskError):
        make_loop(segmenting(), data, tmp_path).run()


def test_accumulation_gives_what_the_whole_batch_gives(data, tmp_path):
    def weights(parts: int) -> Checkpoint:
        recipe = segmenting(training__accumulate=parts, training__batch=4, training__optimiser="sgd", training__steps=2)
        return ended(make_loop(recipe, data, tmp_path / str(parts)), tmp_path / str(parts))

    whole, parted = weights(1), weights(2)
    for key, tensor in whole.parts["network"].items():
        torch.testing.assert_close(parted.parts["network"][key], tensor, rtol=0, atol=1e-6)
    start = make_loop(segmenting(), data, tmp_path / "start").parts.network.state_dict()
    assert max(float((whole.parts["network"][key] - tensor).abs().max()) for key, tensor in start.items()) > 1e-3


def test_a_batch_that_cannot_be_parted_is_refused(data, tmp_path):
    with pytest.raises(UsageError, match="a batch of 2 cannot be divided among 1"):
        make_loop(segmenting(training__accumulate=3), data, tmp_path)


def test_half_precision_trains_weights_of_full_precision(data, tmp_path):
    witness = Witness()
    kept = ended(
        make_loop(segmenting(training__precision="bf16-mixed", training__steps=15), data, tmp_path, witness), tmp_path
    )
    assert {tensor.dtype for tensor in kept.parts["network"].values()} == {torch.float32}
    assert witness.losses[15] < 0.8 * witness.losses[1]


def test_16_bit_floats_are_refused_on_the_cpu(data, tmp_path):
    with pytest.raises(UsageError, match="16-mixed needs a GPU; set it to bf16-mixed"):
        make_loop(segmenting(training__precision="16-mixed"), data, tmp_path)


def test_without_an_average_the_last_weights_are_shipped(data, tmp_path):
    loop = make_loop(segmenting(training__steps=2), data, tmp_path)
    network = loop.run()
    for key, tensor in loop.parts.network.state_dict().items():
        assert torch.equal(network.state_dict()[key], tensor)


class Told:
    """A judge that gives the scores it was told to."""

    def __init__(self, scores: list[float]) -> None:
        self.scores, self.seen = scores, []

    def score(self, network: torch.nn.Module) -> Score:
        self.seen.append({key: tensor.clone() for key, tensor in network.state_dict().items()})
        return Score("dice", self.scores[len(self.seen) - 1], {})


def told(loop: Loop, scores: list[float]) -> Told:
    judge = Told(scores)
    object.__setattr__(loop.parts, "judge", judge)
    return judge


def test_early_stopping_ships_the_best_weights_and_stays_stopped(data, tmp_path):
    recipe = segmenting(
        training__steps=20, training__validate_every=2, training__patience=2, training__checkpoint_every=5
    )
    loop = make_loop(recipe, data, tmp_path)
    judge = told(loop, [0.2, 0.6, 0.5, 0.6, 0.9])
    network = loop.run()

    assert loop.state.step == 8
    assert (loop.state.best_step, loop.state.best_score) == (4, 0.6)
    assert all(torch.equal(network.state_dict()[key], tensor) for key, tensor in judge.seen[1].items())
    assert not all(torch.equal(network.state_dict()[key], tensor) for key, tensor in judge.seen[3].items())

    witness = Witness()
    again = make_loop(recipe, data, tmp_path, witness).run()
    assert not witness.losses
    assert all(torch.equal(again.state_dict()[key], tensor) for key, tensor in judge.seen[1].items())


def test_patience_goes_on_counting_after_an_interruption(data, tmp_path):
    recipe = segmenting(
        training__steps=20, training__validate_every=2, training__patience=2, training__checkpoint_every=5
    )
    loop = make_loop(recipe, data, tmp_path, stop_at(7))
    first = told(loop, [0.2, 0.6, 0.5])
    with pytest.raises(CancelledError):
        loop.run()
    loop = make_loop(recipe, data, tmp_path)
    told(loop, [0.6])
    network = loop.run()
    assert loop.state.step == 8
    assert all(torch.equal(network.state_dict()[key], tensor) for key, tensor in first.seen[1].items())


def test_what_is_validated_is_the_average(data, tmp_path):
    loop = make_loop(segmenting(training__ema=0.9), data, tmp_path)
    judge = told(loop, [0.1, 0.2])
    loop.run()
    kept = load(tmp_path / CHECKPOINT)
    assert all(torch.equal(judge.seen[1][key], tensor) for key, tensor in kept.parts["average"].items())
    assert not same_tensors(Checkpoint({"network": kept.parts["average"]}, kept.state), kept, ["network"])
