"""What a recipe may say of augmentations."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from vesalius.transforms.augment import Augmentation
from vesalius.transforms.augment.kinds import Affine, Crop, Elastic, Flip, Gamma, LowResolution

ANY = TypeAdapter[Augmentation](Augmentation)


def test_an_augmentation_is_found_by_its_kind() -> None:
    found = ANY.validate_python({"kind": "affine", "degrees": 20, "scale": [0.9, 1.1]})

    assert found == Affine(degrees=20, scale=(0.9, 1.1))


@pytest.mark.parametrize(
    "content",
    [
        {"kind": "rotate"},
        {"kind": "affine", "degree": 20},
        {"kind": "affine", "scale": [1.2, 0.8]},
        {"kind": "affine", "scale": [0, 1]},
        {"kind": "affine", "stretch": 1.0},
        {"kind": "affine", "shear": 0.5},
        {"kind": "affine", "shift_mm": float("inf")},
        {"kind": "flip", "axes": []},
        {"kind": "flip", "axes": [3]},
        {"kind": "gamma", "probability": 1.5},
        {"kind": "gamma", "power": [1, float("nan")]},
        {"kind": "crop", "share": [0.5, 1.5]},
        {"kind": "low-resolution", "factor": [0.5, 1]},
        {"kind": "elastic", "spacing_mm": 0},
    ],
)
def test_what_makes_no_sense_is_refused(content: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ANY.validate_python(content)


@pytest.mark.parametrize("kind", [Flip(axes=(0, 2)), Elastic(), Crop(share=(0.5, 0.5)), Gamma(), LowResolution()])
def test_a_recipe_is_written_and_read_again(kind: Augmentation) -> None:
    assert ANY.validate_json(ANY.dump_json(kind)) == kind
