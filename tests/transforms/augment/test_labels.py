"""Labels between voxels against SciPy's shares of each label by itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates, zoom
from torch import Tensor

from vesalius.transforms.augment.labels import labels_at


@pytest.mark.parametrize("size", [(9, 7, 8), (10, 8, 1), (1, 9, 9)])
@pytest.mark.parametrize("most", [1, 2, 200])
def test_each_place_gets_the_label_of_the_largest_share(size: tuple[int, int, int], most: int) -> None:
    random = np.random.default_rng(most)
    labels = torch.from_numpy(random.integers(0, most + 1, (2, *size)).astype(np.uint8))
    places = torch.from_numpy(
        (random.random((2, 3, *size)) * (np.array(size)[:, None, None, None] + 2) - 1.5).astype("f4")
    )

    out = labels_at(places, labels, _values(labels, places))

    assert out.dtype == torch.uint8
    for sample in range(2):
        shares = _shares(labels[sample].numpy(), places[sample].numpy())
        mine = np.take_along_axis(shares, out[sample].numpy()[None].astype(int), 0)[0]
        assert mine == pytest.approx(shares.max(0), abs=1e-5)


def test_labels_of_several_words_and_more_than_a_byte_are_kept() -> None:
    coarse = np.array([[[0, 300], [301, 70000]], [[300, 0], [1, 2]]])
    labels = torch.from_numpy(zoom(coarse, 4, order=0))[None]
    places = torch.from_numpy(np.indices(labels.shape[1:]).astype(np.float32))[None]

    assert torch.equal(labels_at(places, labels, labels.float()), labels)


def test_half_of_each_goes_to_the_lower_label() -> None:
    labels = torch.tensor([3, 1, 1]).reshape(1, 3, 1, 1)
    places = torch.zeros(1, 3, 3, 1, 1)
    places[0, 0, :, 0, 0] = torch.tensor([0.49, 0.5, 0.51])

    assert labels_at(places, labels, _values(labels, places)).flatten().tolist() == [3, 1, 1]


def _values(labels: Tensor, places: Tensor) -> Tensor:
    pairs = zip(labels.numpy().astype(np.float32), places.numpy(), strict=True)
    return torch.from_numpy(np.stack([map_coordinates(one, at, order=1, mode="nearest") for one, at in pairs]))


def _shares(labels: np.ndarray, places: np.ndarray) -> np.ndarray:
    each = range(int(labels.max()) + 1)
    return np.stack([map_coordinates((labels == v).astype("f4"), places, order=1, mode="nearest") for v in each])
