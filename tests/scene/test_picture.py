from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from grids import rotation
from phantoms import affine, ball, labelmap
from vesalius.results import Label, Labelmap
from vesalius.scene import annotate
from vesalius.scene.mesh import extract_meshes
from vesalius.scene.picture import draw_picture
from vesalius.volume import Geometry, Source, Volume

HALF_WIDTH, HALF_HEIGHT = 798, 598


def head(turn: np.ndarray | None = None, flip: bool = False) -> tuple[Volume, Labelmap]:
    """A ball with a bright spot at its right, front and upper side, on a grid turned about its centre."""
    matrix = np.eye(4)
    matrix[:3, :3] = (np.eye(3) if turn is None else turn) @ np.diag([-2.0 if flip else 2.0, 2.0, 2.0])
    shape = (60, 60, 60)
    matrix[:3, 3] = -matrix[:3, :3] @ ((np.array(shape) - 1) / 2)
    geometry = Geometry(shape, matrix)
    places = geometry.to_world(np.moveaxis(np.indices(shape), 0, -1))
    inside = np.linalg.norm(places, axis=-1) < 44
    voxels = np.where(inside, 90.0, 0.0)
    for axis in range(3):
        spot = np.zeros(3)
        spot[axis] = 28
        voxels[np.linalg.norm(places - spot, axis=-1) < 8] = 150.0 + 40 * axis
    label = Label(name="ball", colour="#f3c300")
    return Volume(voxels[None], geometry, "MR"), Labelmap(inside.astype(np.uint8), geometry, {1: label})


def brightest(panel: np.ndarray) -> tuple[float, float]:
    """Where the brightest spot is, right and down from the middle, in half panels."""
    grey = panel.min(axis=-1)
    grey[:60], grey[-60:], grey[:, :60], grey[:, -60:] = 0, 0, 0, 0
    rows, columns = np.nonzero(grey > 0.97 * grey.max())
    return 2 * float(np.median(columns)) / panel.shape[1] - 1, 2 * float(np.median(rows)) / panel.shape[0] - 1


def panels(image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    return (
        image[:HALF_HEIGHT, :HALF_WIDTH].copy(),
        image[:HALF_HEIGHT, -HALF_WIDTH:].copy(),
        image[-HALF_HEIGHT:, :HALF_WIDTH].copy(),
        image[-HALF_HEIGHT:, -HALF_WIDTH:].copy(),
    )


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("turn", [None, rotation((0.9, 0.2, -0.3, 0.25))])
def test_planes_are_in_radiological_convention_on_every_grid(turn: np.ndarray | None, flip: bool) -> None:
    volume, labels = head(turn, flip)
    axial, coronal, sagittal, _ = panels(np.asarray(draw_picture(volume, labels, {})))
    across, down = brightest(axial)  # the front spot is the brightest of right and front
    assert abs(across) < 0.05
    assert down < -0.3
    across, down = brightest(coronal)  # the upper spot
    assert abs(across) < 0.05
    assert down < -0.3
    across, down = brightest(sagittal)
    assert abs(across) < 0.05
    assert down < -0.3
    without_front = np.where(volume.voxels > 160, 90.0, volume.voxels)
    across, down = brightest(
        panels(np.asarray(draw_picture(Volume(without_front, volume.geometry, "MR"), None, {})))[0]
    )
    assert across < -0.2  # the patient's right is on the left
    assert abs(down) < 0.1


def test_the_front_of_a_sagittal_plane_is_on_the_left() -> None:
    volume, labels = head()
    only_front = np.where((volume.voxels > 160) & (volume.voxels < 200), 190.0, np.minimum(volume.voxels, 90.0))
    across, down = brightest(panels(np.asarray(draw_picture(Volume(only_front, volume.geometry), labels, {})))[2])
    assert across < -0.2
    assert abs(down) < 0.1


def test_turned_and_flipped_copies_give_the_same_picture() -> None:
    images = []
    for turn, flip in ((None, False), (rotation((0.95, 0.0, 0.2, 0.25)), True)):
        volume, labels = head(turn, flip)
        images.append(np.asarray(draw_picture(volume, labels, extract_meshes(labels)), dtype=float))
    assert np.mean(np.abs(images[0] - images[1]) > 60) < 0.01


def test_a_picture_of_thick_slices_is_not_squashed() -> None:
    balls, _ = ball(40, (0.8, 0.8, 5.0))
    volume = Volume(balls.voxels[None] * 100.0, balls.geometry, "MR")
    for panel in panels(np.asarray(draw_picture(volume, balls, {})))[:3]:
        body = panel.min(axis=-1)
        body[:60], body[-60:], body[:, :60], body[:, -60:] = 0, 0, 0, 0
        rows, columns = np.nonzero(body > 120)
        assert np.ptp(rows) / np.ptp(columns) == pytest.approx(1, abs=0.12)


def test_letters_and_scale_are_left_out_where_the_orientation_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(annotate, "draw_letters", lambda _image, letters: written.append(letters))
    volume, labels = head()
    draw_picture(volume, labels, {})
    assert written == ["RLAP", "RLSI", "APSI"]
    unknown = Volume(volume.voxels, volume.geometry, "MR", source=Source(orientation_known=False))
    draw_picture(unknown, labels, {})
    assert len(written) == 3


@pytest.mark.parametrize("title", [None, "A title"])
def test_a_picture_has_its_size_with_and_without_meshes(title: str | None) -> None:
    volume, labels = head()
    flat = draw_picture(volume, labels, {}, title)
    solid = draw_picture(volume, labels, extract_meshes(labels), title)
    assert flat.size == solid.size == (1600, 1200)
    assert flat.mode == "RGB"
    assert np.mean(np.asarray(flat)[700:1100, 1000:1400]) < 30 < np.mean(np.asarray(solid)[700:1100, 1000:1400])


def test_legend_names_the_largest_label_first(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr(annotate, "draw_legend", lambda _image, rows, *_: seen.append([(n, a) for n, _, a in rows]))
    voxels = np.zeros((30, 30, 30), np.uint8)
    voxels[2:4, 2:4, 2:4], voxels[5:25, 5:25, 5:25] = 1, 2
    labels = labelmap(voxels)
    draw_picture(Volume(voxels[None], labels.geometry), labels, {})
    assert seen == [[("part 2", "8 ml"), ("part 1", "0.008 ml")]]


def test_an_empty_labelmap_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []
    monkeypatch.setattr(annotate, "draw_text", lambda _image, _at, text, **_: texts.append(text))
    volume, labels = head()
    nothing = Labelmap(np.zeros_like(labels.voxels), labels.geometry, labels.labels)
    draw_picture(volume, nothing, {})
    assert "no label found" in texts
    texts.clear()
    draw_picture(volume, None, {})
    assert "no label found" not in texts


def test_a_scan_of_nothing_is_drawn_too() -> None:
    volume = Volume(np.zeros((1, 5, 6, 7)), Geometry((5, 6, 7), affine((1, 2, 3), flip=True, oblique=True)))
    assert draw_picture(volume, None, {}).size == (1600, 1200)


def test_a_flat_picture_is_shown_as_it_is() -> None:
    """Column to the right, row down, colours kept, the mask in place."""
    voxels = np.zeros((3, 80, 40, 1), np.uint8)
    voxels[0, :40, :20], voxels[1, 40:, :20], voxels[2, :40, 20:] = 250, 250, 250
    geometry = Geometry((80, 40, 1), np.eye(4))
    volume = Volume(voxels, geometry, "OT", ("red", "green", "blue"), Source(orientation_known=False))
    shown = np.asarray(draw_picture(volume, None, {}))
    assert shown.shape == (800, 1600, 3)
    np.testing.assert_allclose([shown[200, 400], shown[200, 1200], shown[600, 400]], 250 * np.eye(3), atol=8)


def test_a_flat_picture_is_bare_on_the_left_and_labelled_on_the_right() -> None:
    voxels = np.zeros((3, 80, 40, 1), np.uint8)
    voxels[1] = 200
    mask = np.zeros((80, 40, 1), np.uint8)
    mask[50:70, 5:15] = 1
    volume = Volume(voxels, Geometry((80, 40, 1), np.eye(4)), "OT", ("red", "green", "blue"))
    unplaced = replace(volume, source=Source(orientation_known=False))
    shown = np.asarray(draw_picture(unplaced, labelmap(mask), {})).astype(int)
    width = (1600 - 4) // 2
    scale = width / 80
    bare, labelled = shown[: round(40 * scale), :width], shown[: round(40 * scale), -width:]
    np.testing.assert_allclose(bare, np.broadcast_to([0, 200, 0], bare.shape), atol=1)
    tinted = labelled[..., 0] > 20  # the label's yellow over pure green
    rows, columns = np.nonzero(tinted)
    found = [rows.min() / scale, (rows.max() + 1) / scale, columns.min() / scale, (columns.max() + 1) / scale]
    np.testing.assert_allclose(found, [5, 15, 50, 70], atol=0.3)
    assert len(shown) < 600, "the picture ends below the legend"
    assert shown[-60:].max() > 100, "the legend"


def test_hairs_and_dots_of_a_label_are_drawn() -> None:
    """Lines one pixel wide, shown enlarged, as they are and reduced, do not vanish in the smoothing of the outline."""
    for length in (100, 798, 1000):
        mask = np.zeros((length, length // 2, 1), np.uint8)
        mask[length // 4, 10:-10] = mask[10:-10, length // 4] = 1
        mask[length // 2, 12] = 1
        volume = Volume(np.zeros((1, *mask.shape)), Geometry(mask.shape, np.eye(4)))
        shown = np.asarray(draw_picture(replace(volume, source=Source(orientation_known=False)), labelmap(mask), {}))
        scale = 798 / length
        panel = shown[: round(length // 2 * scale), -798:, 0] > 30
        across = panel[round((length // 4 + 0.5) * scale) - 2 :][:5].any(axis=0)
        assert scale < 1 or panel[round(12.5 * scale) - 2 :, round((length // 2 + 0.5) * scale) - 2 :][:5, :5].any()
        assert across[round(12 * scale) : round((length - 12) * scale)].mean() > (0.99 if scale >= 1 else 0.7)


def test_letters_of_one_slice_follow_its_own_axes(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(annotate, "draw_letters", lambda _image, letters: written.append(letters))
    sagittal = np.array([[0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1.0]])  # I to P, J to I
    volume = Volume(np.random.default_rng(0).uniform(size=(1, 30, 20, 1)), Geometry((30, 20, 1), sagittal))
    draw_picture(volume, None, {})
    assert written == ["APSI"]


@pytest.mark.slow
def test_a_hundred_labels_fit_into_the_picture(colin27: Path, aal: Path) -> None:
    scan, atlas = nib.load(colin27), nib.load(aal)
    labels = labelmap(np.asarray(atlas.dataobj), atlas.affine)
    volume = Volume(np.asarray(scan.dataobj)[None], Geometry(scan.shape, scan.affine), "MR")
    shown = np.asarray(draw_picture(volume, labels, extract_meshes(labels), "AAL on Colin27"))
    solid = panels(shown)[3]
    assert len(np.unique(solid.reshape(-1, 3) // 64, axis=0)) > 20


def test_a_long_legend_stays_beside_the_meshes_and_counts_what_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []
    voxels = np.zeros((42, 20, 20), np.uint8)
    for value in range(1, 41):
        voxels[value, 5:15, 5:15] = value
    labels = labelmap(voxels)
    volume, meshes = Volume(voxels[None], labels.geometry), extract_meshes(labels)
    with monkeypatch.context() as patch:
        patch.setattr(annotate, "draw_text", lambda _image, _at, text, **_: texts.append(text))
        without_text = panels(np.asarray(draw_picture(volume, labels, meshes)))[3]
    assert "and 23 more" in texts
    needed = annotate.legend_width([("part 40", (0, 0, 0), "0.1 ml")])
    assert without_text[:, 40:needed].max() <= 20


def test_in_a_flat_picture_labels_have_a_share_and_no_volume(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr(annotate, "draw_legend", lambda _image, rows, *_: seen.append([a for _, _, a in rows]))
    mask = np.zeros((20, 10, 1), np.uint8)
    mask[:5] = 1
    draw_picture(Volume(mask[None], Geometry((20, 10, 1), np.eye(4))), labelmap(mask), {})
    assert seen == [["25 %"]]
