"""Each rule on a case that breaks it, and the brain's own rules on real heads whose header lies."""

from __future__ import annotations

from itertools import permutations

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from grids import rotation
from vesalius.measure.anatomy import measure_labels
from vesalius.models.folder import open_model
from vesalius.models.spec import ModelSpec
from vesalius.results import Label, Labelmap
from vesalius.trust.plausibility import check, check_scan
from vesalius.volume import Geometry, Source, Volume

NETWORK = {
    "weights": "w", "graph": "g", "golden": "g", "sha256": "0" * 64, "graph_sha256": "0" * 64,
    "grid": {"kind": "whole", "size": (8, 8, 8)},
}  # fmt: skip
GEOMETRY = Geometry.from_spacing((20, 20, 20), (10, 10, 10))
BRAIN = {1: Label(name="brain", colour="#f3c300")}


def spec(**rules):
    return ModelSpec(
        name="brain", version="1", task="segment", summary="", modality=("MR",), network=NETWORK, labels=BRAIN,
        plausibility={"brain": rules}, origin={"source": "", "data": "", "licence": ""},
    )  # fmt: skip


def warnings_of(mask, modality="MR", source=None, model=None):
    volume = Volume(np.ones((1, *mask.shape)), GEOMETRY, modality, source=source or Source())
    labelmap = Labelmap(mask.astype(np.uint8), GEOMETRY, BRAIN)
    return check(model or spec(), lambda rules: None, volume, labelmap, measure_labels(labelmap, volume))


def cube(low=5, high=15):
    mask = np.zeros(GEOMETRY.shape, bool)
    mask[low:high, low:high, low:high] = True
    return mask


def only(warnings):
    assert len(warnings) == 1
    return warnings[0]


def test_a_usual_result_raises_nothing():
    assert warnings_of(cube(), model=spec(volume_ml=(999, 1001), components=1)) == []


@pytest.mark.parametrize(("usual", "word"), [((1001, 2000), "less"), ((10, 999), "more")])
def test_volume(usual, word):
    warning = only(warnings_of(cube(), model=spec(volume_ml=usual)))
    assert warning.code == "volume-unusual"
    assert f"1000 ml, {word} than the usual {usual[0]} to {usual[1]} ml" in warning.message


def test_parts():
    mask = cube()
    mask[0, 1, 1] = mask[18, 18, 18] = True
    warning = only(warnings_of(mask, model=spec(components=1)))
    assert warning.code == "parts-unusual"
    assert "3 separate parts where 1 is usual" in warning.message


def test_orientation_that_the_file_does_not_give():
    warning = only(warnings_of(cube(), source=Source(orientation_known=False)))
    assert warning.code == "orientation-unknown"
    assert "RAS was assumed" in warning.message


def test_of_a_picture_nobody_expects_an_orientation():
    voxels = np.ones((1, 20, 20, 1))
    flat = Geometry.from_spacing((20, 20, 1), (1, 1, 1))
    assert check_scan(spec(), Volume(voxels, flat, source=Source(orientation_known=False))) == []


def test_the_scan_alone_can_be_held_against_the_model():
    volume = Volume(np.ones((1, 20, 20, 20)), GEOMETRY, "CT", source=Source(orientation_known=False))
    assert [warning.code for warning in check_scan(spec(), volume)] == ["orientation-unknown", "unexpected-modality"]


def test_a_volume_that_is_not_known_is_not_unusual():
    volume = Volume(np.ones((1, 20, 20, 1)), Geometry.from_spacing((20, 20, 1), (1, 1, 1)), "MR",
                    source=Source(orientation_known=False))  # fmt: skip
    mask = np.zeros((20, 20, 1), np.uint8)
    mask[5:9, 5:9] = 1
    labelmap = Labelmap(mask, volume.geometry, BRAIN)
    measured = measure_labels(labelmap, volume)
    assert check(spec(volume_ml=(900, 1000)), lambda rules: None, volume, labelmap, measured) == []


def test_modality():
    warning = only(warnings_of(cube(), modality="CT"))
    assert warning.code == "unexpected-modality"
    assert "The scan is CT" in warning.message
    assert warnings_of(cube(), modality="") == []
    anything = spec().model_copy(update={"modality": ()})
    assert warnings_of(cube(), modality="CT", model=anything) == []


def test_nothing_found():
    nothing = np.zeros(GEOMETRY.shape, bool)
    assert only(warnings_of(nothing, model=spec(volume_ml=(900, 1000)))).code == "label-not-found"
    without_rules = spec().model_copy(update={"plausibility": {}})
    assert only(warnings_of(nothing, model=without_rules)).code == "nothing-found"


@pytest.mark.parametrize(
    ("axis", "end", "side"),
    [(0, 0, "left"), (0, -1, "right"), (1, 0, "back"), (1, -1, "front"), (2, 0, "lower"), (2, -1, "upper")],
)
def test_cut_off(axis, end, side):
    mask = np.roll(cube(), 5 if end else -5, axis)
    warning = only(warnings_of(mask))
    assert warning.code == "cut-off"
    assert f"cut off by the {side} edge" in warning.message
    assert "100% of its largest" in warning.message


def test_a_thin_stem_may_leave_the_scan():
    mask = cube()
    mask[8:11, 8:11, :6] = True
    assert warnings_of(mask) == []


def test_one_slice_is_not_cut_off_everywhere():
    geometry = Geometry.from_spacing((20, 20, 1), (1, 1, 1))
    labelmap = Labelmap(cube()[:, :, 7:8].astype(np.uint8), geometry, BRAIN)
    volume = Volume(np.ones((1, 20, 20, 1)), geometry, "MR")
    assert check(spec(), lambda rules: None, volume, labelmap, measure_labels(labelmap)) == []


# Real heads, their brain masks from elsewhere, and the rules and reference of the model that ships.


@pytest.fixture(scope="module")
def mni_brain(mni152):
    """The MNI152 brain, which has no skull, every other voxel: (voxels, mask, affine)."""
    image = nib.as_closest_canonical(nib.load(mni152))
    voxels = np.asarray(image.dataobj, dtype=np.float32)[::2, ::2, ::2]
    return voxels, ndimage.binary_fill_holes(voxels > 0), image.affine @ np.diag([2, 2, 2, 1])


@pytest.fixture(scope="module")
def colin_brain(colin27):
    """The Colin27 head with the mask of its skull-stripped version, every other voxel."""
    image = nib.as_closest_canonical(nib.load(colin27))
    stripped = nib.as_closest_canonical(nib.load(colin27.with_name("ch2bet.nii.gz")))
    assert np.allclose(image.affine, stripped.affine)
    parts, _ = ndimage.label(np.asarray(stripped.dataobj) > 0)
    mask = ndimage.binary_fill_holes(parts == np.bincount(parts.ravel())[1:].argmax() + 1)
    voxels = np.asarray(image.dataobj, dtype=np.float32)
    return voxels[::2, ::2, ::2], mask[::2, ::2, ::2], image.affine @ np.diag([2, 2, 2, 1])


@pytest.fixture(params=["mni_brain", "colin_brain"])
def real(request):
    return request.getfixturevalue(request.param)


def codes(voxels, mask, affine):
    folder = open_model("brain")
    geometry = Geometry(mask.shape, affine)
    volume = Volume(voxels[None], geometry, "MR")
    labelmap = Labelmap(mask.astype(np.uint8), geometry, folder.spec.labels)
    found = check(folder.spec, folder.reference_shape, volume, labelmap, measure_labels(labelmap, volume))
    of_the_mask = ("volume-unusual", "parts-unusual", "cut-off")
    return {warning.code: warning.message for warning in found if warning.code not in of_the_mask}


def test_a_real_head_raises_nothing(real):
    assert codes(*real) == {}


@pytest.mark.parametrize("orientation", ["LPS", "PIR", "SRA"])
def test_storage_order_does_not_matter(real, orientation):
    voxels, mask, affine = real
    image = nib.Nifti1Image(np.stack([voxels, mask], axis=-1), affine)
    codes_of = nib.orientations.axcodes2ornt(tuple(orientation))
    stored = image.as_reoriented(nib.orientations.ornt_transform(nib.io_orientation(affine), codes_of))
    data = np.asarray(stored.dataobj)
    assert codes(data[..., 0], data[..., 1] > 0, stored.affine) == {}


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ((1,), "back-to-front"),
        ((2,), "upside-down"),
        ((1, 2), "upside-down and back-to-front"),
        ((0, 1), "back-to-front"),
        ((0, 2), "upside-down"),
    ],
)
def test_flipped_voxels_under_an_unchanged_header(real, axes, words):
    voxels, mask, affine = real
    found = codes(np.flip(voxels, axes), np.flip(mask, axes), affine)
    assert f"looks {words} (" in found.pop("orientation-doubtful")
    assert found == {}


def test_exchanged_left_and_right_cannot_be_seen(real):
    voxels, mask, affine = real
    assert codes(np.flip(voxels, 0), np.flip(mask, 0), affine) == {}


@pytest.mark.parametrize("order", [order for order in permutations(range(3)) if order != (0, 1, 2)])
def test_permuted_voxels_under_an_unchanged_header(real, order):
    voxels, mask, affine = real
    found = codes(voxels.transpose(order), mask.transpose(order), affine)
    assert set(found) == {"orientation-doubtful"}


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("degrees", [-20, 20])
def test_a_head_tilted_by_20_degrees_raises_nothing(real, axis, degrees):
    voxels, mask, affine = real
    quaternion = [np.cos(np.radians(degrees / 2)), 0.0, 0.0, 0.0]
    quaternion[axis + 1] = np.sin(np.radians(degrees / 2))
    turn, centre = rotation(tuple(quaternion)), (np.array(mask.shape) - 1) / 2
    shift = centre - turn @ centre
    tilted = ndimage.affine_transform(voxels, turn, shift, order=1)
    assert codes(tilted, ndimage.affine_transform(mask, turn, shift, order=0), affine) == {}


def test_inverted_values(real):
    voxels, mask, affine = real
    found = codes(np.where(voxels > 0, voxels.max() - voxels, 0), mask, affine)
    assert "inverted" in found["contrast-unusual"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("series", "expected"),
    [("t1-pre", set()), ("t1-post", set()), ("t2", {"contrast-unusual"}), ("flair", {"contrast-unusual"})],
)
def test_clinical_series_from_end_to_end(brain_mri, series, expected):
    """5 mm slices of a patient with a glioma; the outlines are the model's own."""
    from vesalius.analysis import analyze

    assert {warning.code for warning in analyze(brain_mri / series, "brain").warnings} == expected
