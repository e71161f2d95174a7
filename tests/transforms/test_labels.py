"""Labels between grids."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import find_objects, map_coordinates

from vesalius.transforms.labels import bounding_boxes, labels_onto
from vesalius.volume import Geometry

RNG = np.random.default_rng(5)


def _balls(geometry: Geometry, centres: list[tuple[float, float, float]], radius: float) -> np.ndarray:
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in geometry.shape), indexing="ij"), axis=-1)
    world = geometry.to_world(grid)
    labels = np.zeros(geometry.shape, np.uint8)
    for value, centre in enumerate(centres, start=1):
        labels[np.linalg.norm(world - centre, axis=-1) <= radius] = value
    return labels


def test_bounding_boxes_are_scipys() -> None:
    labels = RNG.choice([0, 0, 0, 0, 2, 5], (9, 12, 7)).astype(np.uint8)
    labels[:2], labels[:, :, 6] = 0, 0
    ours = bounding_boxes(labels)
    theirs = find_objects(labels)
    assert set(ours) == {2, 5}
    for value, box in ours.items():
        assert box.slices == theirs[value - 1]


def test_one_and_several_labels_go_where_scipy_interpolates_most_of_them() -> None:
    coarse = Geometry.from_spacing((30, 30, 30), (2, 2, 2))
    fine = coarse.resized((66, 58, 81))
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in fine.shape), indexing="ij"), axis=-1)
    index = np.moveaxis(coarse.to_index(fine.to_world(grid)), -1, 0)
    for centres in ([(30.0, 28.0, 26.0)], [(16.0, 28.0, 26.0), (32.0, 28.0, 26.0), (30.0, 50.0, 50.0)]):
        labels = _balls(coarse, centres, 11)
        shares = np.stack(
            [
                map_coordinates((labels == v).astype(float), index, order=1, mode="nearest")
                for v in range(len(centres) + 1)
            ]
        )
        top = np.sort(shares, axis=0)
        clear = top[-1] - top[-2] > 1e-4
        seen = labels_onto(labels, coarse, fine)
        np.testing.assert_array_equal(seen[clear], shares.argmax(axis=0)[clear])
        assert set(np.unique(seen)) == set(range(len(centres) + 1))


def test_touching_labels_leave_no_gap() -> None:
    coarse = Geometry.from_spacing((10, 10, 10), (3, 3, 3))
    labels = np.zeros(coarse.shape, np.uint8)
    labels[:5], labels[5:] = 1, 2
    seen = labels_onto(labels, coarse, coarse.resized((31, 29, 17)))
    assert set(np.unique(seen)) == {1, 2}


def test_the_same_grid_changes_nothing() -> None:
    grid = Geometry.from_spacing((5, 6, 7), (1, 2, 3))
    labels = RNG.integers(0, 4, grid.shape).astype(np.uint8)
    np.testing.assert_array_equal(labels_onto(labels, grid, grid), labels)
