"""The reconstruction error of networks that are formulas."""

from __future__ import annotations

import numpy as np
import pytest

from formula_session import FormulaSession, formula_network, formula_spec
from vesalius.engine.progress import Progress
from vesalius.models.spec import FamiliaritySpec, SlidingGrid, WholeGrid, ZScoreIntensity
from vesalius.tasks.reconstruct import familiarity_error, reconstruction_error
from vesalius.volume import Geometry, Volume

PATCHED = SlidingGrid(patch=(6, 6, 6))


def _scan(channels: int) -> Volume:
    geometry = Geometry.from_spacing((9, 13, 5), (1, 2, 3)).reoriented("SAL")
    voxels = np.random.default_rng(0).normal(100, 20, (channels, *geometry.shape))
    return Volume(voxels, geometry, channels=tuple("abc"[:channels]))


def test_half_of_an_image_of_deviation_1_differs_by_a_quarter() -> None:
    network = formula_network(grid=PATCHED, intensity=ZScoreIntensity())
    session = FormulaSession(formula_spec(network), {"main": (1, lambda batch: batch / 2)})
    assert reconstruction_error(session, network, _scan(1), Progress()) == pytest.approx(0.25, rel=1e-4)


def test_every_channel_counts_equally() -> None:
    network = formula_network(grid=PATCHED, intensity=ZScoreIntensity())
    shares = np.array([1.0, 0.0, 0.5]).reshape(1, 3, 1, 1, 1)
    spec = formula_spec(network, channels=("a", "b", "c"))
    session = FormulaSession(spec, {"main": (3, lambda batch: batch * shares)})
    assert reconstruction_error(session, network, _scan(3), Progress()) == pytest.approx((0 + 1 + 0.25) / 3, rel=1e-4)


@pytest.mark.parametrize("grid", [PATCHED, WholeGrid(size=(6, 8, 4)), SlidingGrid(patch=(8, 8, 8), spacing=(2, 2, 2))])
def test_what_is_restored_fully_has_no_error_on_any_grid(grid) -> None:
    network = formula_network(grid=grid)
    session = FormulaSession(formula_spec(network), {"main": (1, lambda batch: batch)})
    assert reconstruction_error(session, network, _scan(1), Progress()) == pytest.approx(0, abs=1e-6)


def test_the_models_own_familiarity_network_is_asked_where_there_is_one() -> None:
    main, other = formula_network(grid=PATCHED), formula_network("other", grid=PATCHED, intensity=ZScoreIntensity())
    formulas = {"main": (2, lambda batch: pytest.fail("it ran")), "other": (1, lambda batch: 0 * batch)}
    familiarity = FamiliaritySpec(network=other, usual=0.1, limit=0.2, cases=50)
    known = FormulaSession(formula_spec(main, familiarity=familiarity), formulas)
    assert familiarity_error(known, _scan(1), Progress()) == pytest.approx(1, rel=1e-4)
    assert familiarity_error(FormulaSession(formula_spec(main), formulas), _scan(1), Progress()) is None


def test_a_familiarity_network_that_would_skip_tiles_is_refused() -> None:
    network = formula_network(grid=PATCHED.model_copy(update={"skip_at_most": 0.0}))
    with pytest.raises(ValueError, match="skip_at_most"):
        FamiliaritySpec(network=network, usual=0.1, limit=0.2, cases=50)
