"""How long the training is and what each step draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vesalius.train.configure.cost import Task, step_seconds
from vesalius.train.configure.fit import Fit
from vesalius.train.configure.machine import Machine
from vesalius.train.fingerprint import Fingerprint
from vesalius.train.recipe import Training

_TRAINING_SHARE = 0.8  # of the minutes; the rest prepares, augments and validates
_ROUNDS = 60  # in which a classifier sees each case, where nobody says how long it may take
_FEWEST_STEPS = 500
_IMBALANCED = 2.0
_VALIDATIONS = 16


@dataclass(frozen=True)
class Wishes:
    """What the user settles; ``minutes`` is how long the training may take."""

    name: str
    task: Task | None = None
    minutes: float | None = None


def training_of(data: Fingerprint, fit: Fit, wishes: Wishes, machine: Machine) -> tuple[Training, dict[str, str]]:
    """The training, and place in the recipe → what the value there rests on."""
    task = fit.work.task
    steps, why = _steps(data, fit, wishes, machine)
    reasons = {"training.steps": why, "training.validate_every": f"about {_VALIDATIONS} times in all"}
    fields: dict[str, Any] = {"learning_rate": 3e-3} if task == "segment" else {}
    if machine.bf16:
        fields["precision"] = "bf16-mixed"
        reasons["training.precision"] = f"this machine, {machine}, computes faster in bfloat16"
    counts = data.class_counts.values() if task == "classify" else ()
    if counts and max(counts) > _IMBALANCED * min(counts):
        fields["balance"] = True
        reasons["training.balance"] = f"the commonest class has {max(counts)} cases, the rarest {min(counts)}"
    every = max(1, steps // _VALIDATIONS)
    return Training(steps=steps, batch=fit.batch, ema=0.995, validate_every=every, **fields), reasons


def _steps(data: Fingerprint, fit: Fit, wishes: Wishes, machine: Machine) -> tuple[int, str]:
    if wishes.minutes is None:
        rounds = _ROUNDS * len(data.cases) // fit.batch
        if fit.work.task == "classify" and rounds < machine.steps:
            return max(
                _FEWEST_STEPS, rounds
            ), f"each case about {_ROUNDS} times; --minutes fits them to the time there is"
        return machine.steps, f"usual on {machine}; --minutes fits them to the time there is"
    size = fit.grid.patch if fit.grid.kind == "sliding" else fit.grid.size
    seconds = step_seconds(fit.work, (fit.batch, len(data.cases[0].channels), *size), machine)
    steps = max(1, int(_TRAINING_SHARE * 60 * wishes.minutes / seconds))
    return steps, f"{wishes.minutes:g} minutes at {seconds:.2g} s a step, measured here, a fifth left for all else"
