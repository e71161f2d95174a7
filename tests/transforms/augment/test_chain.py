"""The whole of augmentation: drawn, applied, replayed, undone."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from scipy.ndimage import center_of_mass
from torch import Generator, Tensor

from vesalius.errors import RecipeError
from vesalius.transforms.augment import Augmentation
from vesalius.transforms.augment.chain import Chain
from vesalius.transforms.augment.kinds import (
    Affine,
    BiasField,
    Blur,
    Brightness,
    Contrast,
    Crop,
    Elastic,
    Flip,
    Gamma,
    LowResolution,
    Noise,
)
from vesalius.transforms.augment.record import Record
from vesalius.transforms.augment.warp import Size

SPACING = (1.0, 0.8, 2.0)
SIZE = (18, 20, 10)
KINDS: tuple[Augmentation, ...] = (
    Flip(axes=(0, 1)),
    Affine(shear=0.1, shift_mm=2),
    Elastic(spacing_mm=8),
    Crop(),
    Gamma(),
    Contrast(),
    Brightness(),
    BiasField(),
    Noise(),
    Blur(),
    LowResolution(),
)
ALWAYS = tuple(kind.model_copy(update={"probability": 1.0}) for kind in KINDS)


def _batch(size: Size = SIZE, count: int = 4) -> tuple[Tensor, Tensor]:
    """Images (N, 2, …) and labels (N, …) from 0 to 2."""
    generator = Generator().manual_seed(9)
    image = torch.randn(count, 2, *size, generator=generator)
    return image, torch.randint(0, 3, (count, *size), generator=generator, dtype=torch.uint8)


def _drawn(chain: Chain, size: Size = SIZE, count: int = 4, seed: int = 0) -> Record:
    return chain.sample(count, size, SPACING, Generator().manual_seed(seed))


@pytest.mark.parametrize("kinds", [KINDS, ALWAYS])
@pytest.mark.parametrize("size", [SIZE, (24, 20, 1)])
def test_a_record_replays_to_the_bit_also_through_json(kinds: tuple[Augmentation, ...], size: Size) -> None:
    chain, (image, labels) = Chain(kinds), _batch(size)
    before = image.clone(), labels.clone()
    record = _drawn(chain, size)
    copy = Record.from_dict(json.loads(json.dumps(record.to_dict())))

    new, new_labels = chain.apply(record, image, labels)
    again, again_labels = chain.apply(copy, image, labels)

    assert new_labels is not None
    assert again_labels is not None
    assert torch.equal(new, again)
    assert torch.equal(new_labels, again_labels)
    assert not torch.equal(new, image)
    assert torch.equal(image, before[0])  # the input is left as it is
    assert torch.equal(labels, before[1])
    assert (new.shape, new.dtype, new_labels.dtype) == (image.shape, torch.float32, torch.uint8)
    assert new.isfinite().all()


def test_a_seed_draws_the_same_on_every_run() -> None:
    chain = Chain(KINDS)

    assert _drawn(chain).to_dict() == _drawn(chain).to_dict()
    assert _drawn(chain).to_dict() != _drawn(chain, seed=1).to_dict()


def test_what_the_global_generator_did_does_not_matter() -> None:
    chain, (image, _) = Chain(ALWAYS), _batch()
    torch.manual_seed(1)
    record = _drawn(chain)
    new, _ = chain.apply(record, image)
    torch.manual_seed(2)

    assert _drawn(chain).to_dict() == record.to_dict()
    assert torch.equal(chain.apply(record, image)[0], new)


def test_probability_zero_changes_nothing() -> None:
    chain, (image, labels) = Chain([kind.model_copy(update={"probability": 0.0}) for kind in KINDS]), _batch()

    new, new_labels = chain.apply(_drawn(chain), image, labels)

    assert torch.equal(new, image)
    assert new_labels is not None
    assert torch.equal(new_labels, labels)


def test_flips_alone_interpolate_nothing_and_are_undone_exactly() -> None:
    chain, (image, labels) = Chain([Flip(axes=(0, 1, 2))]), _batch(count=16)
    record = _drawn(chain, count=16)

    new, new_labels = chain.apply(record, image, labels)

    assert new_labels is not None
    mirrored = record.warp.matrix.diagonal(dim1=1, dim2=2) < 0
    assert mirrored.any(0).all()
    for sample, axes in enumerate(mirrored):
        turned = [axis for axis in range(3) if axes[axis]]
        assert torch.equal(new[sample], image[sample].flip([axis + 1 for axis in turned]))
        assert torch.equal(new_labels[sample], labels[sample].flip(turned))
    assert torch.equal(chain.invert(record, new), image)


@pytest.mark.parametrize("seed", range(3))
def test_image_and_labels_stay_together(seed: int) -> None:
    size = (30, 36, 20)
    labels = torch.zeros(3, *size, dtype=torch.uint8)
    labels[:, 8:14, 14:24, 6:11] = 1
    labels[:, 18:25, 10:18, 8:14] = 2
    chain = Chain([kind for kind in ALWAYS if isinstance(kind, Flip | Affine | Elastic)])

    image = torch.stack([labels == 1, labels == 2], 1).float()
    new, new_labels = chain.apply(_drawn(chain, size, 3, seed), image, labels)

    assert new_labels is not None
    for sample in range(3):
        for value in (1, 2):
            blob, mask = new[sample, value - 1].numpy(), (new_labels[sample] == value).numpy()
            assert center_of_mass(mask) == pytest.approx(center_of_mass(blob), abs=0.15)
            assert mask.sum() == pytest.approx(blob.sum(), rel=0.1)


@pytest.mark.parametrize("size", [(24, 28, 12), (32, 28, 1)])
def test_invert_brings_scores_back(size: Size) -> None:
    axes = [(np.arange(n) - (n - 1) / 2) * mm for n, mm in zip(size, SPACING, strict=True)]
    distance = np.linalg.norm(np.meshgrid(*axes, indexing="ij"), axis=0)
    scores = torch.from_numpy(np.exp(-(distance**2) / 200).astype(np.float32))[None, None].repeat(3, 2, 1, 1, 1)
    chain = Chain(
        [Flip(axes=(0, 1)), Affine(probability=1, shift_mm=2), Elastic(probability=1, deviation_mm=0.5), Noise()]
    )
    record = _drawn(chain, size, 3)

    there, _ = chain.apply(Record(record.warp, ()), scores)
    back = chain.invert(record, there)

    near = torch.from_numpy(distance < 8)
    assert (there - scores)[..., near].abs().max() > 0.1
    assert (back - scores)[..., near].abs().max() < 0.03


def test_a_second_elastic_is_refused() -> None:
    with pytest.raises(RecipeError, match="one elastic"):
        Chain([Elastic(), Flip(), Elastic(spacing_mm=30)])


@pytest.mark.parametrize("shape", [(3, 2, *SIZE), (4, 2, 18, 20, 11), (4, *SIZE)])
def test_a_record_for_another_batch_is_refused(shape: tuple[int, ...]) -> None:
    chain = Chain(KINDS)
    record = _drawn(chain)

    for method in (chain.apply, chain.invert):
        with pytest.raises(ValueError, match=r"\(4, C, 18, 20, 10\)"):
            method(record, torch.zeros(shape))


def test_labels_of_another_shape_are_refused() -> None:
    chain, (image, labels) = Chain(KINDS), _batch()

    with pytest.raises(ValueError, match="labels"):
        chain.apply(_drawn(chain), image, labels[..., :-1])


def test_autocast_does_not_change_places() -> None:
    chain, (image, _) = Chain(ALWAYS), _batch()
    record = _drawn(chain)
    new, _ = chain.apply(record, image)
    back = chain.invert(record, image)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(chain.apply(record, image)[0], new)
        assert torch.equal(chain.invert(record, image), back)


def test_a_sample_takes_the_border_for_what_lies_beyond() -> None:
    image = torch.full((1, 1, *SIZE), 7.0)
    chain = Chain([Affine(probability=1, degrees=90, scale=(0.5, 0.5), shift_mm=10)])

    new, labels = chain.apply(_drawn(chain, count=1), image, torch.ones(1, *SIZE, dtype=torch.int64))

    assert torch.allclose(new, image)
    assert labels is not None
    assert (labels == 1).all()


def test_samples_come_in_the_recipes_order_of_intensity_changes() -> None:
    record = _drawn(Chain([Noise(probability=1), Flip(), Gamma(probability=1)]))

    assert [change.kind for change in record.changes] == ["noise", "gamma"]
