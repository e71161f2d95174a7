"""What segmentation does around the network: the region that a locator finds, and the clean-up of labels."""

from __future__ import annotations

import numpy as np
import pytest

from vesalius.engine.choose import EngineChoice
from vesalius.engine.progress import Progress
from vesalius.engine.session import Session
from vesalius.errors import UnsuitableScanError
from vesalius.models.folder import ModelFolder, open_model
from vesalius.tasks.segment import segment
from vesalius.tasks.suitable import check_suitable
from vesalius.volume import Geometry, Volume


@pytest.fixture(scope="module")
def brain() -> ModelFolder:
    return open_model("brain")


def _head(seed: int = 0) -> Volume:
    """A bright ellipsoid in a dark box, on a flipped, permuted and oblique grid."""
    geometry = Geometry.from_spacing((50, 60, 40), (4, 4, 5)).reoriented("SPL")
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in geometry.shape), indexing="ij"), axis=-1)
    distance = np.linalg.norm((grid - np.array(geometry.shape) / 2) / (np.array(geometry.shape) / 3), axis=-1)
    noise = np.random.default_rng(seed).random(geometry.shape)
    return Volume(np.float32(np.where(distance < 1, 100, 5) + noise)[None], geometry)


def test_the_labelmap_is_on_the_scans_own_grid(brain) -> None:
    scan = _head()
    done = segment(Session(brain, EngineChoice(device="cpu")), scan, Progress())
    assert done.labelmap.geometry == scan.geometry
    assert done.labelmap.voxels.shape == scan.geometry.shape


def test_a_locator_that_finds_nothing_gives_an_empty_labelmap(brain) -> None:
    locator = brain.spec.locator.model_copy(update={"min_share": 0.999})
    nothing = ModelFolder(brain.path, brain.spec.model_copy(update={"locator": locator}))
    done = segment(Session(nothing, EngineChoice(device="cpu")), _head(), Progress())
    assert not done.labelmap.voxels.any()
    assert len(done.runs) == 1


def test_infinity_is_refused_and_integers_are_not_looked_at(brain) -> None:
    scan = _head()
    infinite = scan.voxels.copy()
    infinite[0, 1, 2, 3] = np.inf
    with pytest.raises(UnsuitableScanError, match="1 of the scan's"):
        check_suitable(brain.spec, Volume(infinite, scan.geometry))
    check_suitable(brain.spec, Volume(scan.voxels.astype(np.int16), scan.geometry))
