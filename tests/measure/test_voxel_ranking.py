from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn import metrics as sk

from vesalius.errors import InputError
from vesalius.measure.voxel_ranking import VoxelRanking


def _scan(seed: int, shape=(20, 30, 12), spread: float = 3.0):
    """Probabilities from 1e-12 to nearly 1 of a label that few voxels have."""
    rng = np.random.default_rng(seed)
    positive = rng.random(shape) < 0.05
    return expit(rng.normal(-6, spread, shape) + 6 * positive).astype(np.float32), positive


@pytest.mark.parametrize("spread", [0.5, 3.0, 10.0])
def test_agrees_with_scikit_learn(spread):
    probabilities, positive = _scan(1, spread=spread)
    found = VoxelRanking.count(probabilities, positive)
    assert found.auroc == pytest.approx(sk.roc_auc_score(positive.ravel(), probabilities.ravel()), abs=1e-4)
    expected = sk.average_precision_score(positive.ravel(), probabilities.ravel())
    assert found.average_precision == pytest.approx(expected, abs=5e-4)


def test_pooled_scans_are_as_one():
    scans = [_scan(seed, shape) for seed, shape in ((1, (9, 8, 7)), (2, (20, 5, 3)), (3, (4, 4, 40)))]
    pooled = VoxelRanking.count(*scans[0]) + VoxelRanking.count(*scans[1]) + VoxelRanking.count(*scans[2])
    probabilities, positive = (np.concatenate([scan[part].ravel() for scan in scans]) for part in (0, 1))
    assert pooled.auroc == pytest.approx(sk.roc_auc_score(positive, probabilities), abs=1e-4)
    assert pooled.auroc == VoxelRanking.count(probabilities, positive).auroc


def test_certain_voxels_and_ties():
    positive = np.array([True, True, False, False])
    assert VoxelRanking.count(np.array([1.0, 1.0, 0.0, 0.0]), positive).auroc == 1
    assert VoxelRanking.count(np.array([0.0, 0.0, 1.0, 1.0]), positive).auroc == 0
    tied = VoxelRanking.count(np.full(4, 0.3, np.float32), positive)
    assert (tied.auroc, tied.average_precision) == (0.5, 0.5)


def test_one_kind_of_voxel_alone_cannot_be_ranked():
    probabilities = np.array([0.2, 0.7])
    assert VoxelRanking.count(probabilities, np.array([True, True])).auroc is None
    nothing = VoxelRanking.count(probabilities, np.array([False, False]))
    assert (nothing.auroc, nothing.average_precision) == (None, None)


def test_what_is_no_probability_is_refused():
    for bad in (1.1, -0.1, np.nan):
        with pytest.raises(InputError, match="between 0 and 1"):
            VoxelRanking.count(np.array([0.5, bad]), np.array([True, False]))
    with pytest.raises(InputError, match="differ in shape"):
        VoxelRanking.count(np.zeros((2, 3)), np.zeros((3, 2), bool))
