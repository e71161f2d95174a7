import errno
import os

import pytest
import torch
from safetensors import SafetensorError

from vesalius.errors import NotEnoughDiskError, UnreadableScanError
from vesalius.train import checkpoint as module
from vesalius.train.checkpoint import Checkpoint, State, load, optimiser_tensors, restore_optimiser, save


def some(step: int = 3) -> Checkpoint:
    tensors = {"weight": torch.arange(6.0).reshape(2, 3), "count": torch.tensor(7)}
    return Checkpoint(
        {"network": tensors, "average": {"weight": torch.ones(2)}}, State(step=step, recipe={"name": "x"})
    )


def test_what_was_saved_comes_back_bit_by_bit(tmp_path):
    save(some(), tmp_path / "c.safetensors")

    back = load(tmp_path / "c.safetensors")

    assert back.state == some().state
    assert back.parts.keys() == {"network", "average"}
    for part, own in some().parts.items():
        assert all(torch.equal(tensor, back.parts[part][key]) for key, tensor in own.items())


def test_tensors_that_share_memory_are_saved_each(tmp_path):
    shared = torch.arange(4.0)
    save(Checkpoint({"network": {"a": shared, "b": shared[:2]}}, State()), tmp_path / "c.safetensors")

    assert load(tmp_path / "c.safetensors").parts["network"]["b"].tolist() == [0, 1]


@pytest.mark.parametrize(
    "failure",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        SafetensorError("I/O error: No space left on device (os error 28)"),
    ],
    ids=["the system's", "the library's"],
)
def test_a_full_disk_keeps_the_checkpoint_before(tmp_path, monkeypatch, failure):
    path = tmp_path / "c.safetensors"
    save(some(step=1), path)

    def full(*_: object) -> None:
        raise failure

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(NotEnoughDiskError):
        save(some(step=2), path)

    assert load(path).state.step == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["c.safetensors"]


@pytest.mark.parametrize("keep", [0, 5, 40, 100])
def test_a_truncated_checkpoint_says_what_to_do(tmp_path, keep):
    path = tmp_path / "c.safetensors"
    save(some(), path)
    path.write_bytes(path.read_bytes()[:keep])

    with pytest.raises(UnreadableScanError, match="delete it to train anew"):
        load(path)


@pytest.mark.parametrize("make", [lambda p: torch.optim.AdamW(p, 0.1), lambda p: torch.optim.SGD(p, 0.1, momentum=0.9)])
def test_an_optimiser_goes_on_as_if_it_had_never_stopped(make):
    def parameters() -> list[torch.nn.Parameter]:
        return [torch.nn.Parameter(torch.ones(3)), torch.nn.Parameter(torch.ones(2, 2))]

    def step(optimiser: torch.optim.Optimizer, own: list[torch.nn.Parameter], number: int) -> None:
        for parameter in own:
            parameter.grad = torch.full_like(parameter, 0.1 * number)
        optimiser.step()

    straight = parameters()
    whole = make(straight)
    for number in range(4):
        step(whole, straight, number)

    first = parameters()
    half = make(first)
    for number in range(2):
        step(half, first, number)
    second = [torch.nn.Parameter(parameter.detach().clone()) for parameter in first]
    again = make(second)
    restore_optimiser(again, {key: value.clone() for key, value in optimiser_tensors(half).items()})
    for number in range(2, 4):
        step(again, second, number)

    assert all(torch.equal(a, b) for a, b in zip(straight, second, strict=True))


def test_differences_are_named_by_their_keys():
    old = {"training": {"steps": 1, "batch": 2}, "name": "a"}
    assert module._differences(old, {"training": {"steps": 2, "batch": 2}, "name": "a"}) == ["training.steps"]


def test_every_division_of_the_cases_has_words_of_its_own():
    words = [
        module.cases_of(*division)
        for division in (
            (["a", "b"], ["c"]),
            (["a"], ["b", "c"]),
            (["b", "a"], ["c"]),
            (["a", "b"], ["d"]),
            (["ab"], ["c"]),
        )
    ]
    assert len(set(words)) == 5
    assert words[0].startswith("2 to train on and 1 to validate on")
