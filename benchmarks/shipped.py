"""Figures of the shipped models that `vesalius evaluate` does not give.

`hippocampus`: seconds for one case, voxels in memory and network open, over 20 cases. `retinal-vessels`: Dice by the
threshold on its six validation photographs, the same with the threshold chosen on the other two subjects each time, and
how far the second observer agrees with the first.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.learning import DATA
from benchmarks.learning_data import HIPPOCAMPUS
from vesalius.engine.progress import Progress
from vesalius.engine.session import EngineChoice, Session
from vesalius.io import read
from vesalius.measure.overlap import dice
from vesalius.models.folder import open_model
from vesalius.tasks.segment import probabilities, segment
from vesalius.volume import Volume

PACKAGES = ("openvino",)
SUBJECTS = ("08", "09", "10")
THRESHOLDS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9)


def run() -> dict[str, Any]:
    """Both models' figures."""
    return {"hippocampus": _seconds(), "retinal-vessels": _thresholds()}


def _seconds() -> dict[str, Any]:
    session = Session(open_model("hippocampus"), EngineChoice())
    volumes = [read(path) for path in sorted((HIPPOCAMPUS / "images").iterdir())[:20]]
    segment(session, volumes[0], Progress())
    seconds = [_timed(session, volume) for volume in volumes]
    return {"min": min(seconds), "median": statistics.median(seconds), "max": max(seconds)}


def _timed(session: Session, volume: Volume) -> float:
    _ = volume.voxels
    start = time.perf_counter()
    segment(session, volume, Progress())
    return round(time.perf_counter() - start, 4)


def _thresholds() -> dict[str, Any]:
    session = Session(open_model("retinal-vessels"), EngineChoice())
    names = [f"{subject}{eye}" for subject in SUBJECTS for eye in "LR"]
    found = np.array([_dice_by_threshold(session, name) for name in names])
    subjects = found.reshape(len(SUBJECTS), 2, -1).mean(1)
    others = [np.delete(subjects, number, axis=0).mean(0).argmax() for number in range(len(SUBJECTS))]
    observers = [dice(_drawn(name, "1st"), _drawn(name, "2nd")) for name in names]
    return {
        "dice_by_threshold": dict(zip(map(str, THRESHOLDS), found.mean(0).round(4).tolist(), strict=True)),
        "dice_threshold_of_other_subjects": round(float(np.mean(subjects[range(len(SUBJECTS)), others])), 4),
        "dice_of_second_observer": round(float(np.mean(observers)), 4),
    }


def _dice_by_threshold(session: Session, name: str) -> list[float]:
    share = probabilities(session, read(DATA / "retinal-vessels" / f"Image_{name}.jpg"), Progress())[1]
    truth = _drawn(name, "1st")
    return [dice(share >= threshold, truth) for threshold in THRESHOLDS]


def _drawn(name: str, observer: str) -> NDArray[np.bool_]:
    drawn: NDArray[np.bool_] = read(DATA / "retinal-vessels" / f"Image_{name}_{observer}HO.png").voxels[0] > 0
    return drawn
