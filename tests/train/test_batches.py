"""Which patches a step sees."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from vesalius.train.batches import Sampler, Sampling
from vesalius.train.prepare import Prepared
from vesalius.transforms.augment.chain import Chain
from vesalius.transforms.augment.kinds import Affine, Flip

CPU = torch.device("cpu")


def case(name: str = "a", shape: tuple[int, int, int] = (12, 10, 9), target: int | None = None) -> Prepared:
    """The image counts its voxels from 1 and the labels are what remains of that by 5."""
    image = np.arange(1, 1 + np.prod(shape), dtype=np.float32).reshape(1, *shape)
    labels = None if target is not None else (image[0] % 5).astype(np.uint8)
    foreground = None if labels is None else np.argwhere(labels).astype(np.int32)
    return Prepared(name, image, labels, target, (1.0, 1.0, 1.0), foreground)


def sampler(cases: list[Prepared], kinds: tuple = (), **changes) -> Sampler:
    fields = {"seed": 1, "batch": 4, "patch": (4, 4, 4), "margin": 0.0, "foreground": 0.0, "balance": False}
    return Sampler(cases, Sampling(**{**fields, **changes}), Chain(kinds))


def test_a_batch_is_a_function_of_seed_step_and_rank():
    kinds = (Flip(kind="flip", axes=(0, 1)), Affine(kind="affine", degrees=20.0))
    cases = [case("a"), case("b", (9, 9, 9)), case("c", (8, 11, 7))]
    one, other = sampler(cases, kinds), sampler(cases, kinds)
    other.draw(0, 0, 1, CPU)  # what was drawn before changes nothing, nor do others' generators
    torch.rand(3)
    first, again = one.draw(7, 1, 2, CPU), other.draw(7, 1, 2, CPU)
    assert torch.equal(first.images, again.images)
    assert torch.equal(first.target, again.target)
    for different in (
        one.draw(8, 1, 2, CPU),
        one.draw(7, 0, 2, CPU),
        sampler(cases, kinds, seed=2).draw(7, 1, 2, CPU),
    ):
        assert not torch.equal(first.images, different.images)


def test_the_processes_share_the_batch_of_one_among_them():
    cases = [case(name, shape) for name, shape in (("a", (12, 10, 9)), ("b", (9, 9, 9)), ("c", (8, 11, 7)))]
    drawn = sampler(cases, foreground=0.5)
    whole = drawn.draw(5, 0, 1, CPU)
    parts = [drawn.draw(5, rank, 2, CPU) for rank in range(2)]
    assert torch.equal(whole.images[0::2], parts[0].images)
    assert torch.equal(whole.images[1::2], parts[1].images)
    assert torch.equal(whole.target[1::2], parts[1].target)


def test_each_case_comes_once_a_round():
    cases = [case(name, target=0) for name in "abcdef"]
    drawn = sampler(cases, patch=(12, 10, 9))
    names = [name for step in range(9) for name in drawn.names(step)]  # 36 patches: six rounds of six
    for start in range(0, 36, 6):
        assert sorted(names[start : start + 6]) == list("abcdef")
    assert names[:6] != names[6:12]


@pytest.mark.parametrize("kinds", [(), (Flip(kind="flip", axes=(0, 1, 2)),)])
def test_image_and_labels_stay_aligned(kinds):
    batch = sampler([case()], kinds, foreground=0.3, batch=16).draw(0, 0, 1, CPU)
    assert batch.images.shape == (16, 1, 4, 4, 4)
    assert torch.equal(batch.images[:, 0] % 5, batch.target.float())
    assert len({tuple(image.flatten().tolist()) for image in batch.images}) > 8


def test_a_patch_larger_than_its_case_is_the_whole_case_with_zeros_around():
    small = case(shape=(3, 10, 2))
    batch = sampler([small], patch=(6, 4, 5), foreground=0.5, batch=32).draw(0, 0, 1, CPU)
    for image, labels in zip(batch.images, batch.target, strict=True):
        there = image[0] > 0
        assert there.sum() == 3 * 4 * 2
        assert torch.equal(labels[there].float(), image[0][there] % 5)
        assert not labels[~there].any()
    assert len({tuple((image[0] > 0).flatten().tolist()) for image in batch.images}) > 4  # not always in one place


def test_a_margin_is_cut_and_taken_away_again():
    batch = sampler([case(shape=(30, 30, 1))], patch=(10, 10, 1), margin=0.2, batch=8).draw(0, 0, 1, CPU)
    assert batch.images.shape == (8, 1, 10, 10, 1)
    assert (batch.images > 0).all()  # with its margin of one voxel a side the patch lies within the case


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_the_foreground_has_its_share(share):
    image = np.zeros((1, 40, 40, 40), np.float32)
    labels = np.zeros((40, 40, 40), np.uint8)
    labels[30, 9, 20] = 1  # by chance a patch centred on it comes once in 27,000
    one = Prepared("a", image, labels, None, (1.0, 1.0, 1.0), np.argwhere(labels).astype(np.int32))
    batch = sampler([one], patch=(5, 5, 5), foreground=share, batch=400).draw(0, 0, 1, CPU)
    centred = float((batch.target[:, 2, 2, 2] == 1).float().mean())
    assert centred == pytest.approx(share, abs=0.08)  # three standard deviations of a share of 400


def test_balance_draws_each_class_equally_often():
    cases = [case(f"rare {n}", target=1) for n in range(2)] + [case(f"common {n}", target=0) for n in range(18)]
    names = [name for step in range(300) for name in sampler(cases, patch=(12, 10, 9), balance=True).names(step)]
    counts = Counter(name.split()[0] for name in names)
    assert counts["rare"] / 1200 == pytest.approx(0.5, abs=0.045)
    assert min(Counter(names).values()) > 15
    plain = [name for step in range(300) for name in sampler(cases, patch=(12, 10, 9)).names(step)]
    assert Counter(name.split()[0] for name in plain)["rare"] == 120


def test_the_target_of_a_classifier_is_the_class_and_names_say_whose():
    cases = [case(f"{target}", (4, 4, 1), target=target) for target in range(3)]
    drawn = sampler(cases, patch=(4, 4, 1), batch=6)
    batch = drawn.draw(2, 0, 1, CPU)
    assert batch.target.tolist() == [int(name) for name in drawn.names(2)]
    assert batch.target.dtype == torch.int64
