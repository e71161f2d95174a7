"""Tile positions against MONAI's, and the streaming arg-max against a dense sum."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.engine.accumulate import StreamingArgmax, argmax_bytes, buffers, sweep_order
from vesalius.engine.tiles import Tiling, importance

SHAPES = st.tuples(*(st.integers(3, 23),) * 3)
PATCHES = st.tuples(*(st.integers(2, 9),) * 3)


@given(SHAPES, PATCHES, st.sampled_from([0.0, 0.25, 0.5, 0.75]))
def test_tiles_cover_the_grid_and_stay_on_it(
    shape: tuple[int, int, int], patch: tuple[int, int, int], overlap: float
) -> None:
    tiling = Tiling.cover(shape, patch, overlap)
    for n, p, starts in zip(shape, patch, tiling.starts, strict=True):
        covered = np.zeros(n, int)
        for start in starts:
            covered[max(0, start) : start + p] += 1
            assert p >= n or 0 <= start <= n - p
        assert covered.min() >= 1


def test_tiles_lie_where_monai_puts_them() -> None:
    monai = pytest.importorskip("monai.data.utils")
    shape, patch = (197, 233, 189), (96, 80, 96)
    interval = tuple(int(p * 0.75) for p in patch)
    theirs = {tuple(s.start for s in box) for box in monai.dense_patch_slices(shape, patch, interval)}
    tiling = Tiling.cover(shape, patch, 0.25)
    assert {(a, b, c) for a in tiling.starts[0] for b in tiling.starts[1] for c in tiling.starts[2]} == theirs


def test_the_gaussian_is_monais() -> None:
    monai = pytest.importorskip("monai.data.utils")
    ours = importance((32, 33, 8), "gaussian")
    theirs = monai.compute_importance_map((32, 33, 8), mode="gaussian", sigma_scale=0.125).numpy()
    assert ours.min() == np.float32(1e-3)
    np.testing.assert_allclose(ours, theirs / theirs.max(), atol=2e-2)  # MONAI cuts its Gaussian off
    assert (importance((4, 5, 6), "constant") == 1).all()


@settings(deadline=None, max_examples=60)
@given(SHAPES, PATCHES, st.sampled_from([0.0, 0.25, 0.5]), st.integers(2, 5), st.booleans(), st.randoms())
def test_streaming_argmax_equals_the_dense_sum(shape, patch, overlap, classes, gaussian, random) -> None:
    blend = "gaussian" if gaussian else "constant"
    tiling = Tiling.cover(shape, patch, overlap)
    rng = np.random.default_rng(random.randrange(2**32))
    margin = 10
    dense = np.zeros((classes, *(n + 2 * margin for n in shape)))
    weight = importance(patch, blend)
    argmax = StreamingArgmax(tiling, classes, blend)
    for a, start_a in enumerate(tiling.starts[0]):
        for b, start_b in enumerate(tiling.starts[1]):
            for c, start_c in enumerate(tiling.starts[2]):
                if rng.random() < 0.2:
                    continue  # a background tile that was skipped
                scores = rng.normal(size=(classes, *patch)).astype(np.float32)
                argmax.add(scores, (a, b, c))
                box = tuple(
                    slice(s + margin, s + margin + p) for s, p in zip((start_a, start_b, start_c), patch, strict=True)
                )
                dense[(slice(None), *box)] += scores * weight
            argmax.finish_row(a, b)
    inside = dense[(slice(None), *(slice(margin, margin + n) for n in shape))]
    top = np.sort(inside, axis=0)
    clear = (top[-1] - top[-2] > 1e-6) | (np.abs(inside).max(axis=0) == 0)
    np.testing.assert_array_equal(argmax.labels[clear], inside.argmax(axis=0)[clear])
    assert clear.mean() > 0.95


def test_buffers_of_many_classes_stay_far_below_the_dense_scores() -> None:
    shape = (512, 512, 400)
    assert sweep_order((400, 512, 189)) == (1, 0, 2)
    tiling = Tiling.cover(shape, (64, 64, 64), 0.5)
    dense = 105 * 4 * int(np.prod(shape))
    assert argmax_bytes(tiling, 105) < dense / 12
    assert buffers(tiling, 105)[0] is np.float16
    assert buffers(tiling, 3)[0] is np.float32
