"""Made-up heads whose contrast is known."""

from __future__ import annotations

import numpy as np
import pytest

from grids import rotation
from vesalius.trust.contrast import air_value, brain_appearance, t1_oddity
from vesalius.volume import Geometry

KINDS = {  # air, fluid, grey matter, white matter
    "T1": (0, 35, 70, 100),
    "T1, other units": (-1.5, -0.5, 0.5, 1.4),
    "T2": (0, 100, 45, 35),
    "inverted T1": (100, 65, 30, 0),
    "FLAIR": (0, 15, 80, 75),
    "CT": (-1000, 8, 38, 28),
}


def head(kind, spacing=(1.5, 1.5, 1.5), turn=None):
    """Scan, mask and geometry of a ball of white matter in folded grey matter in fluid, with a ventricle."""
    affine = np.eye(4)
    affine[:3, :3] = (np.eye(3) if turn is None else turn) @ np.diag(spacing)
    half = np.ceil(80 / np.array(spacing)).astype(int)
    affine[:3, 3] = -affine[:3, :3] @ half
    geometry = Geometry(tuple(2 * half + 1), affine)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in geometry.shape), indexing="ij"), axis=-1)
    points = geometry.to_world(index)
    radius = np.linalg.norm(points, axis=-1)
    direction = points / np.maximum(radius, 1)[..., None]
    folds = np.sin(18 * direction).sum(axis=-1)
    air, fluid, grey, white = KINDS[kind]
    values = np.select(
        [radius > 65, radius > 62 + folds, (radius < 12) | (radius > 58 + 6 * folds), radius > 50 + 5 * folds],
        [air, fluid, fluid, grey],
        white,
    ).astype(float)
    noise = np.random.default_rng(0).normal(0, 0.02 * abs(white - fluid) + 1e-3, values.shape)
    return values + noise, radius <= 65, geometry


def oddity(values, mask, geometry):
    return t1_oddity(brain_appearance(values, mask, geometry, air_value(values)))


@pytest.mark.parametrize("kind", ["T1", "T1, other units"])
@pytest.mark.parametrize("spacing", [(1.5, 1.5, 1.5), (1, 1, 5)])
@pytest.mark.parametrize("turn", [None, rotation((0.9, 0.2, -0.3, 0.4))])
def test_t1_is_not_odd(kind, spacing, turn):
    assert oddity(*head(kind, spacing, turn)) is None


@pytest.mark.parametrize(
    ("kind", "word"), [("T2", "T2"), ("inverted T1", "inverted"), ("FLAIR", "FLAIR"), ("CT", "CT")]
)
def test_other_contrasts_are(kind, word):
    assert word in oddity(*head(kind))


def test_values_that_are_not_finite_do_not_count():
    values, mask, geometry = head("T1")
    look = brain_appearance(values, mask, geometry, air_value(values))
    values[::7, ::5] = np.nan
    values[1::9] = np.inf
    holed = brain_appearance(values, mask, geometry, air_value(values))
    assert holed.fluid == pytest.approx(look.fluid, abs=0.05)
    assert holed.core_over_rim == pytest.approx(look.core_over_rim, abs=0.05)


def test_what_says_nothing_is_not_judged():
    geometry = Geometry.from_spacing((60, 60, 60), (2, 2, 2))
    mask = np.ones(geometry.shape, bool)
    assert brain_appearance(np.full(geometry.shape, 5.0), mask, geometry, 5.0) is None
    assert brain_appearance(np.full(geometry.shape, np.nan), mask, geometry, 0.0) is None
    few = np.zeros(geometry.shape, bool)
    few[:3, :3, :3] = True
    assert brain_appearance(np.arange(60.0**3).reshape(geometry.shape), few, geometry, 0.0) is None


def test_air_is_the_lowest_but_for_outliers():
    values = np.full((40, 40, 40), 10.0)
    values[:20] = 3.0
    values[0, 0, 0], values[2, 2, 2] = -1e6, np.nan
    assert air_value(values) == 3.0
    assert air_value(np.full((4, 4, 4), np.nan)) == 0.0
