"""The curves as a picture."""

from __future__ import annotations

import numpy as np
from PIL import Image

from vesalius.train.curves import draw_curves, smoothed


def write(path, heading, rows):
    path.write_text("\n".join(",".join(map(str, row)) for row in (heading, *rows)) + "\n")


def test_the_smoothed_curve_is_the_mean_of_its_neighbours():
    values = np.random.default_rng(0).normal(size=50)
    means = smoothed(values, 5)
    assert np.allclose(means[2:-2], [values[n - 2 : n + 3].mean() for n in range(2, 48)])
    assert np.isclose(means[0], values[:3].mean())
    assert np.isclose(means[-1], values[-3:].mean())
    assert np.array_equal(smoothed(values, 1), values)
    assert np.allclose(smoothed(values[:3], 8), [values[:2].mean(), values[:3].mean(), values[1:3].mean()])


def test_nothing_is_drawn_before_the_first_step(tmp_path):
    draw_curves(tmp_path, "empty")
    write(tmp_path / "log.csv", ("step", "loss", "learning_rate", "seconds"), [])
    draw_curves(tmp_path, "empty")
    assert [path.name for path in tmp_path.iterdir()] == ["log.csv"]


def test_loss_and_scores_are_both_seen(tmp_path):
    write(
        tmp_path / "log.csv", ("step", "loss", "learning_rate", "seconds"), [(n, 1 / n, 0.1, n) for n in range(1, 40)]
    )
    draw_curves(tmp_path, "tiny")
    alone = np.asarray(Image.open(tmp_path / "curves.png").convert("RGB"), int)
    write(tmp_path / "validation.csv", ("step", "dice", "blob"), [(20, 0.5, 0.4), (40, 0.8, 0.7)])
    draw_curves(tmp_path, "tiny")
    both = np.asarray(Image.open(tmp_path / "curves.png").convert("RGB"), int)

    blue, orange = (np.abs(both - colour).sum(2) < 30 for colour in ((31, 90, 150), (200, 80, 30)))
    half = len(both) // 2
    assert blue[:half].sum() > 100
    assert blue[half:].sum() > 100
    assert orange[half:].any()  # the best validation
    assert not (np.abs(alone - (200, 80, 30)).sum(2) < 30).any()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curves.png", "log.csv", "validation.csv"]


def test_one_wild_step_does_not_flatten_the_curve(tmp_path):
    def picture(spike: float) -> np.ndarray:
        rows = [(n, spike if n == 500 else 1.0 - n / 2000, 0.1, n) for n in range(1, 1001)]
        write(tmp_path / "log.csv", ("step", "loss", "learning_rate", "seconds"), rows)
        draw_curves(tmp_path, "tiny")
        image = np.asarray(Image.open(tmp_path / "curves.png").convert("RGB"), int)
        rows_of_blue = np.flatnonzero((np.abs(image - (31, 90, 150)).sum(2) < 30).any(1))
        return rows_of_blue.max() - rows_of_blue.min()

    assert abs(picture(1e6) - picture(0.75)) < 60  # pixels
