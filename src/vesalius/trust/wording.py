"""Directions of the patient in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vesalius.volume import FloatArray, Geometry

_SIDES = {"L": "left", "R": "right", "P": "back", "A": "front", "I": "lower", "S": "upper"}
_TOWARDS = (("left", "right"), ("back", "front"), ("bottom", "top"))


def sides(geometry: Geometry, ends: Sequence[tuple[int, int]]) -> str:
    """The sides of the patient ("lower and left") to which the ends of the grid's axes look; an end is 0 or -1."""
    opposite = dict(zip("LRPAIS", "RLAPSI", strict=True))
    codes = [geometry.orientation[axis] for axis, _ in ends]
    names = [_SIDES[code if end == -1 else opposite[code]] for code, (_, end) in zip(codes, ends, strict=True)]
    return " and ".join(names)


def attitude(turn: FloatArray) -> str:
    """How an organ lies that ``turn`` (3, 3), a rotation by right angles, brings upright: "upside-down" or the like."""
    front, top = (_direction(turn.T[:, axis]) for axis in (1, 2))
    if top == "bottom" and front in ("front", "back"):
        return "upside-down" if front == "front" else "upside-down and back-to-front"
    if (front, top) == ("back", "top"):
        return "back-to-front"
    return f"turned, with its top to the patient's {top} and its front to the patient's {front}"


def _direction(axis: FloatArray) -> str:
    world = int(np.abs(axis).argmax())
    return _TOWARDS[world][int(axis[world] > 0)]
