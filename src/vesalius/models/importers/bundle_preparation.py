"""How a MONAI bundle prepares a scan and cuts it into tiles, in the terms of model.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vesalius.errors import ModelFolderError
from vesalius.models.importers.bundle_config import BundleConfig, class_name, steps
from vesalius.models.spec import Intensity, NoIntensity, SlidingGrid, WindowIntensity, ZScoreIntensity
from vesalius.volume import Shape

_PATCH: Shape = (96, 96, 96)
_WITHOUT_EFFECT = frozenset(
    ("LoadImaged", "EnsureChannelFirstd", "AddChanneld", "EnsureTyped", "CastToTyped", "ToTensord", "ToDeviced")
)


@dataclass(frozen=True)
class Preparation:
    """What model.json says of a bundle's scan and output; ``notes`` say what it cannot say."""

    orientation: str
    intensity: Intensity
    grid: SlidingGrid
    classes: int
    threshold: float | None
    notes: tuple[str, ...]


def preparation(config: BundleConfig, metadata: Mapping[str, Any]) -> Preparation:
    """Translate preprocessing, inferer and postprocessing.

    Raises:
        ModelFolderError: a value that is needed depends on an expression, or the output's labels overlap.
    """
    notes: list[str] = []
    orientation, spacing, intensity = None, None, None
    for name, raw in steps(config, "preprocessing"):
        if name == "Orientationd":
            orientation = str(config.plain(raw["axcodes"]))
        elif name == "Spacingd":
            spacing = _triple(config.plain(raw["pixdim"]), float)
        elif name in _INTENSITIES:
            if intensity is not None:
                raise ModelFolderError(
                    f"the bundle changes intensities twice (the second is {name}), which is not supported"
                )
            intensity = _INTENSITIES[name](_plain_fields(config, raw), notes)
        elif name not in _WITHOUT_EFFECT:
            notes.append(f"the preprocessing step {name} is not translated")
    if orientation is None:
        notes.append("the bundle does not turn scans to one orientation; RAS was assumed")
    classes, threshold = _decoding(config, metadata)
    grid = _grid(config, spacing, notes)
    return Preparation(orientation or "RAS", intensity or NoIntensity(), grid, classes, threshold, tuple(notes))


def _plain_fields(config: BundleConfig, raw: Mapping[str, Any]) -> dict[str, Any]:
    return {key: config.plain(value) for key, value in raw.items() if key not in ("_target_", "keys")}


def _scale_range(fields: Mapping[str, Any], notes: list[str]) -> Intensity:
    """(x - a_min) / (a_max - a_min) * (b_max - b_min) + b_min, as one subtraction and one division."""
    low, high = float(fields["a_min"]), float(fields["a_max"])
    bottom, top = float(fields.get("b_min") or 0), float(1 if fields.get("b_max") is None else fields["b_max"])
    if not fields.get("clip", False):
        notes.append("ScaleIntensityRanged does not clip in the bundle; here values are clipped to its range")
    deviation = (high - low) / (top - bottom)
    return WindowIntensity(low=low, high=high, mean=low - bottom * deviation, deviation=deviation)


def _normalise(fields: Mapping[str, Any], notes: list[str]) -> Intensity:
    if fields.get("subtrahend") is not None or fields.get("divisor") is not None:
        raise ModelFolderError("NormalizeIntensityd with a fixed subtrahend or divisor is not supported")
    if not fields.get("channel_wise", False):
        notes.append("NormalizeIntensityd measures all channels together in the bundle; here each by itself")
    return ZScoreIntensity(nonzero=bool(fields.get("nonzero", False)))


_INTENSITIES = {"ScaleIntensityRanged": _scale_range, "NormalizeIntensityd": _normalise}


def _grid(config: BundleConfig, spacing: tuple[float, float, float] | None, notes: list[str]) -> SlidingGrid:
    inferer = _object(config, "inferer")
    if class_name(inferer) != "SlidingWindowInferer":
        notes.append(f"the bundle names no SlidingWindowInferer; tiles of {_PATCH} voxels are assumed")
        return SlidingGrid(patch=_PATCH, spacing=spacing)
    fields = {key: config.plain(inferer[key]) for key in ("roi_size", "overlap", "mode") if key in inferer}
    return SlidingGrid(
        patch=_triple(fields["roi_size"], int),
        spacing=spacing,
        overlap=float(fields.get("overlap", 0.25)),
        blend="gaussian" if fields.get("mode") == "gaussian" else "constant",
    )


def _decoding(config: BundleConfig, metadata: Mapping[str, Any]) -> tuple[int, float | None]:
    """Number of output channels and, where it is one, the threshold on what the network itself gives.

    A sigmoid after the network exceeds 0.5 where the network's output exceeds 0.
    """
    prediction = metadata.get("network_data_format", {}).get("outputs", {}).get("pred", {})
    classes = int(prediction.get("num_channels", 0))
    sigmoid = any(
        name == "Activationsd" and raw.get("sigmoid") is True for name, raw in steps(config, "postprocessing")
    )
    if classes < 1:
        raise ModelFolderError(
            "metadata.json does not say how many channels the output has (outputs.pred.num_channels)"
        )
    if classes > 1 and sigmoid:
        raise ModelFolderError("this bundle predicts overlapping labels (a sigmoid each), which is not supported yet")
    if classes > 1:
        return classes, None
    return 1, 0.0 if sigmoid else 0.5


def _object(config: BundleConfig, key: str) -> Mapping[str, Any]:
    value = config.written(key)
    return value if isinstance(value, dict) else {}


def _triple(value: Any, kind: type[int] | type[float]) -> Any:
    """Three numbers of one, or of three."""
    values = list(value) if isinstance(value, list) else [value] * 3
    if len(values) != 3 or not all(isinstance(item, int | float) and item > 0 for item in values):
        raise ModelFolderError(f"the bundle must give three positive numbers, it gives {value}")
    return tuple(kind(item) for item in values)
