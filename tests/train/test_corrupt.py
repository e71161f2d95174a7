"""What an autoencoder is asked to undo."""

from __future__ import annotations

import pytest
import torch

from tiny_trainings import reconstructing, segmenting
from vesalius.train.batches import Batch
from vesalius.train.corrupt import corrupted


def test_the_target_is_the_image_as_it_was():
    images = torch.randn(2, 1, 16, 16, 16, generator=torch.Generator().manual_seed(0))
    for kind in ("none", "noise", "mask"):
        before = images.clone()
        batch = corrupted(Batch(images, None), reconstructing(corruption__kind=kind))
        assert torch.equal(batch.target, before)
        assert torch.equal(batch.images, before) == (kind == "none")


def test_noise_has_the_deviation_and_masks_the_share_that_the_recipe_says():
    images = torch.full((2, 1, 32, 32, 32), 3.0)
    torch.manual_seed(0)
    noisy = corrupted(Batch(images, None), reconstructing(corruption={"kind": "noise", "deviation": 0.4})).images
    assert float((noisy - images).std()) == pytest.approx(0.4, rel=0.02)
    corruption = {"kind": "mask", "share": 0.7, "block": 4}
    masked = corrupted(Batch(images, None), reconstructing(corruption=corruption)).images
    assert float((masked == 0).float().mean()) == pytest.approx(0.7, abs=0.002)


def test_other_tasks_see_the_batch_as_it_is():
    batch = Batch(torch.zeros(1, 1, 4, 4, 4), torch.zeros(1, 4, 4, 4, dtype=torch.uint8))
    assert corrupted(batch, segmenting()) is batch
