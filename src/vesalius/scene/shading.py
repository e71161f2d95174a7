"""Light on a surface: what makes the picture read as a solid body."""

from __future__ import annotations

import numpy as np

from vesalius.volume import Array

# Directions towards the lights: x to the right, y down, z to the viewer.
_KEY, _KEY_STRENGTH = np.array([-0.45, -0.62, 0.64]), 0.92
_FILL, _FILL_STRENGTH = np.array([0.75, 0.15, 0.65]), 0.18
_RIM, _RIM_STRENGTH = np.array([0.55, -0.65, -0.55]), 0.35
_SKY, _GROUND = 0.26, 0.08
_GLOSS, _GLOSS_STRENGTH = 28.0, 0.16

_RADII = (1, 2, 4, 8, 16, 32)
_AXES = ((1, 0), (0, 1), (1, 1), (1, -1))
_OCCLUSION_STRENGTH = 1.15


def light(albedo: Array, normals: Array, openness: Array) -> Array:
    """Colour (P, 3), linear, of points with that ``albedo`` (P, 3), linear, and unit ``normals`` (P, 3), camera axes.

    A key light with a soft highlight (Blinn 1977), a weaker fill light, a light on the rim and a sky that is brighter
    above than below; ``openness`` (P,), 0 to 1, says how much of the sky is seen.
    """
    sky = (_GROUND + (_SKY - _GROUND) * (0.5 - 0.5 * normals[:, 1])) * openness
    key = _lambert(normals, _KEY) * _KEY_STRENGTH
    lamps = key + _lambert(normals, _FILL) * _FILL_STRENGTH + _lambert(normals, _RIM) * _RIM_STRENGTH
    half = _unit(_unit(_KEY) + np.array([0.0, 0.0, 1.0]))
    gloss = _GLOSS_STRENGTH * np.maximum(normals @ half.astype(np.float32), 0) ** _GLOSS
    shaded: Array = albedo * (sky + lamps * openness)[:, None] + (gloss * openness)[:, None]
    return shaded


def openness(depth: Array) -> Array:
    """How much of the sky each pixel of ``depth`` (H, W; -inf where nothing is) sees, 0 to 1.

    In four vertical planes the horizon on both sides is looked for (after Bavoil & Sainz 2008); what the two leave
    open between them, of the half circle that a flat surface sees, is averaged. Depth and pixels have the same unit.
    """
    height, width = depth.shape
    margin = max(_RADII)
    padded = np.pad(np.maximum(depth, depth[np.isfinite(depth)].min(initial=0) - margin), margin, mode="edge")
    closed = np.zeros_like(depth)
    for right, down in _AXES:
        for sign in (1, -1):
            horizon = np.full_like(depth, -np.inf)
            for radius in _RADII:
                y, x = margin + sign * down * radius, margin + sign * right * radius
                rise = padded[y : y + height, x : x + width] - padded[margin:-margin, margin:-margin]
                np.maximum(horizon, np.minimum(rise, 2 * radius) / (radius * np.hypot(right, down)), out=horizon)
            closed += np.arctan(horizon)
    share = np.clip(closed / (len(_AXES) * np.pi), 0, 1)
    result: Array = np.clip(1 - _OCCLUSION_STRENGTH * share, 0, 1)
    return result


def to_linear(colour: Array) -> Array:
    """sRGB 0 to 1 → linear light (IEC 61966-2-1)."""
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def to_srgb(colour: Array) -> Array:
    """Linear light 0 to 1 → sRGB (IEC 61966-2-1)."""
    return np.where(colour <= 0.0031308, colour * 12.92, 1.055 * np.maximum(colour, 0.0031308) ** (1 / 2.4) - 0.055)


def _lambert(normals: Array, towards: Array) -> Array:
    lit: Array = np.maximum(normals @ _unit(towards).astype(np.float32), 0)
    return lit


def _unit(vector: Array) -> Array:
    unit: Array = vector / np.linalg.norm(vector)
    return unit
