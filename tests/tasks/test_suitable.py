"""What a model can take: channels, slices, values; and what a picture is turned into for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vesalius.errors import UnsuitableScanError
from vesalius.models.spec import ModelSpec
from vesalius.tasks.suitable import check_suitable, suited
from vesalius.volume import Geometry, Source, Volume

NETWORK = {"weights": "w", "graph": "g", "golden": "g", "sha256": "0" * 64, "graph_sha256": "0" * 64, "planar": True}
COLOURS = ("red", "green", "blue")
WINDOW = {"rule": "window", "low": 0, "high": 255}
PICTURE = np.diag([-1.0, -1.0, 1.0, 1.0])


def spec(channels=("grey",), grid=None, intensity=None, orientation="LPS") -> ModelSpec:
    network = {**NETWORK, "grid": grid or {"kind": "whole", "size": (8, 8, 1)}, "intensity": intensity or WINDOW}
    return ModelSpec(
        name="m", version="1", task="classify", summary="", channels=channels, orientation=orientation,
        network=network, labels={0: {"name": "a", "colour": "#000000"}},
        origin={"source": "", "data": "", "licence": ""},
    )  # fmt: skip


def picture(voxels: np.ndarray, form: str = "PNG") -> Volume:
    channels = COLOURS if len(voxels) == 3 else ("grey",)
    source = Source(("x",), form, orientation_known=False)
    return Volume(voxels, Geometry(voxels.shape[1:], PICTURE), channels=channels, source=source, notes=("first",))


GREY = np.random.default_rng(0).integers(0, 256, (1, 7, 5, 1)).astype(np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (3, 7, 5, 1)).astype(np.uint8)


def test_what_fits_is_left_alone() -> None:
    for model, voxels in ((spec(), GREY), (spec(COLOURS), COLOUR)):
        scan = picture(voxels)
        assert suited(model, scan) is scan


def test_equal_colours_are_one_grey_and_a_note_says_so() -> None:
    taken = suited(spec(), picture(GREY.repeat(3, axis=0), "JPEG"))
    assert taken.channels == ("grey",)
    np.testing.assert_array_equal(taken.voxels, GREY)
    assert taken.notes[0] == "first"
    assert "read as grey" in taken.notes[1]


@pytest.mark.parametrize("channel", range(3))
def test_a_picture_with_any_colour_is_not_grey(channel: int) -> None:
    voxels = GREY.repeat(3, axis=0)
    voxels[channel, 3, 2, 0] ^= 1
    with pytest.raises(UnsuitableScanError, match="takes a grey image, this picture is in colour"):
        suited(spec(), picture(voxels))


def test_a_grey_picture_is_no_coloured_one() -> None:
    with pytest.raises(UnsuitableScanError, match=r"3 channel\(s\) \(red, green, blue\).*it is grey; give it the pict"):
        suited(spec(COLOURS), picture(GREY))


def test_16_bits_become_8_where_the_model_counts_in_those() -> None:
    """0 stays black and 65535 becomes 255, as the PNG standard says of depth scaling."""
    deep = np.array([0, 257, 32896, 65535], np.uint16).reshape(1, 2, 2, 1)
    taken = suited(spec(), picture(deep))
    np.testing.assert_array_equal(taken.voxels.ravel(), [0, 1, 128, 255])
    assert "16 bits" in taken.notes[-1]


def test_16_bits_stay_where_they_have_a_meaning() -> None:
    deep = GREY.astype(np.uint16) * 200
    for model in (spec(intensity={"rule": "zscore"}), spec(intensity={**WINDOW, "high": 65535})):
        assert suited(model, picture(deep)).voxels is deep
    ct = replace(picture(deep), source=Source(("x",), "DICOM"))
    assert suited(spec(), ct).voxels is deep


def test_one_picture_is_not_many_slices() -> None:
    stack = Volume(np.zeros((1, 7, 5, 4), np.uint8), Geometry((7, 5, 4), PICTURE), channels=("grey",))
    with pytest.raises(UnsuitableScanError, match="takes a single picture, this scan has 7×5×4 voxels"):
        suited(spec(), stack)
    check_suitable(spec(grid={"kind": "sliding", "patch": (8, 8, 1)}), stack)  # slice by slice


def test_a_slice_across_those_that_the_model_takes_is_refused() -> None:
    sagittal = np.array([[0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1.0]])
    scan = Volume(np.zeros((1, 7, 5, 1), np.uint8), Geometry((7, 5, 1), sagittal), channels=("grey",))
    with pytest.raises(UnsuitableScanError, match="slices with the axes LP, this one is a single slice of 7×5×1"):
        suited(spec(), scan)
    suited(spec(orientation="PIR"), scan)


def test_a_slice_is_no_3d_scan() -> None:
    with pytest.raises(UnsuitableScanError, match="takes a 3D scan, this one is a single slice of 7×5×1 voxels"):
        suited(spec(grid={"kind": "sliding", "patch": (8, 8, 8)}), picture(GREY))
