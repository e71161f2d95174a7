"""The state of a training as one safetensors file: whole or not there, and never unpickled.

Tensors are named ``part/key``; everything else that the training needs to go on lies as JSON in the file's metadata.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from vesalius.aside import aside
from vesalius.errors import RecipeError, UnreadableScanError

if TYPE_CHECKING:
    from torch import Tensor, optim

    from vesalius.train.recipe import Recipe

_STATE = "state"
#: what the model card says: a recipe may change in these and still be the same training
_WORDS = frozenset({"version", "summary", "uses", "limits", "modality", "origin"})


@dataclass
class State:
    """What goes on from one step to the next, beside the tensors."""

    step: int = 0
    best_score: float | None = None
    best_step: int = 0
    waited: int = 0
    seconds: float = 0.0
    recipe: dict[str, Any] = field(default_factory=dict)
    cases: str = ""  # see `cases_of`
    precision: dict[str, Any] = field(default_factory=dict)  # the loss scale of 16-bit training


@dataclass(frozen=True)
class Checkpoint:
    """Tensors by part (``network``, ``average``, ``optimiser``, ``best``) and key, and the state."""

    parts: dict[str, dict[str, Tensor]]
    state: State


def save(checkpoint: Checkpoint, path: Path) -> None:
    """Write aside, then rename: a process killed at any moment leaves the file before.

    Raises:
        NotEnoughDiskError: the disk is full; the file before is still there.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    tensors = {
        f"{part}/{key}": tensor.detach().cpu().clone(memory_format=torch.contiguous_format)  # no shared memory
        for part, own in checkpoint.parts.items()
        for key, tensor in own.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with aside(path) as temporary:
        try:
            save_file(tensors, temporary, {_STATE: json.dumps(vars(checkpoint.state))})
        except SafetensorError as error:  # which hides the errno of a full disk
            raise OSError(_errno_in(str(error)), str(error)) from error


def load(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        UnreadableScanError: the file is damaged.
    """
    from safetensors import SafetensorError, safe_open

    parts: dict[str, dict[str, Tensor]] = {}
    try:
        with safe_open(path, "pt") as file:
            state = State(**json.loads(file.metadata()[_STATE]))
            for name in file.keys():  # noqa: SIM118 -- the file is no mapping
                part, _, key = name.partition("/")
                parts.setdefault(part, {})[key] = file.get_tensor(name)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise UnreadableScanError(f"the checkpoint {path} is damaged ({error}); delete it to train anew") from error
    return Checkpoint(parts, state)


def check_same_training(state: State, recipe: Recipe, cases: str, path: Path) -> None:
    """Refuse a checkpoint that another recipe, or the same on other cases, has written; the card's words may change.

    Raises:
        RecipeError: with what differs.
    """
    differing = [
        name for name in _differences(state.recipe, recipe.model_dump(mode="json")) if name.split(".")[0] not in _WORDS
    ]
    if differing:
        raise RecipeError(
            f"{path.parent} holds a training by another recipe (differing in {', '.join(differing[:3])}); "
            "give another --out, or delete that folder"
        )
    if state.cases != cases:
        raise RecipeError(
            f"{path.parent} holds a training on other cases: {state.cases}, not {cases}; give another --out, or delete "
            "that folder"
        )


def cases_of(training: Sequence[str], validation: Sequence[str]) -> str:
    """Words on the cases by name, that tell one division from another."""
    digest = hashlib.sha256(json.dumps([*training, None, *validation]).encode()).hexdigest()
    return f"{len(training)} to train on and {len(validation)} to validate on (digest {digest[:12]})"


def optimiser_tensors(optimiser: optim.Optimizer) -> dict[str, Tensor]:
    """The optimiser's moments and counts by the parameter's number and their name."""
    state = optimiser.state_dict()["state"]
    return {f"{number}/{name}": value for number, own in state.items() for name, value in own.items()}


def restore_optimiser(optimiser: optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put back what `optimiser_tensors` took."""
    whole = optimiser.state_dict()
    whole["state"] = {}
    for key, value in tensors.items():
        number, _, name = key.partition("/")
        whole["state"].setdefault(int(number), {})[name] = value
    optimiser.load_state_dict(whole)


def _differences(old: Any, new: Any, place: str = "") -> list[str]:
    """Dotted names of the keys in which two recipes differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted(old.keys() | new.keys())
        return [name for key in keys for name in _differences(old.get(key), new.get(key), f"{place}.{key}".lstrip("."))]
    return [] if old == new else [place]


def _errno_in(message: str) -> int:
    """The number in ``… (os error 28)``, as Rust's standard library writes it; 5 (input/output) without one."""
    _, _, rest = message.rpartition("os error ")
    digits = rest.rstrip(" )")
    return int(digits) if digits.isdigit() else 5
