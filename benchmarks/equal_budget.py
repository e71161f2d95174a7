"""Segmentation networks at an equal budget: the same cases, augmentation, loss and seconds of training, three seeds.

`hippocampus`, 166 cases to train on, 20 to validate on; mean Dice of the two labels. A budget of 75 seconds of training
steps on one core (VESALIUS_BENCH_SECONDS) is a few hundred steps: it shows which network learns fast on a CPU, not
which is best after a week. A difference within the seeds' spread is none.
"""

from __future__ import annotations

import os
import statistics
from typing import Any

import torch

from benchmarks.architectures import PACKAGES, SEGMENTATION
from benchmarks.learning import HIPPOCAMPUS as TEMPLATE
from benchmarks.learning import steps_within, train_by, workplace
from benchmarks.learning_data import HIPPOCAMPUS, hippocampus_manifest

__all__ = ["PACKAGES", "run"]

SECONDS = float(os.environ.get("VESALIUS_BENCH_SECONDS", "75"))
SEEDS = (0, 1, 2)
REFERENCE = "U-Net"
LEFT_OUT = ("U-Net, residual encoder (nnU-Net's)", "SwinUNETR")  # they stand in the table of `architectures`


def run() -> dict[str, Any]:
    """Dice by network and seed, and its difference from U-Net of the same seed."""
    rows: dict[str, Any] = {}
    with workplace() as work:
        hippocampus_manifest(work / "hippocampus.csv", 166, 20)
        for number, (name, entry) in enumerate(SEGMENTATION.items()):
            if name in LEFT_OUT:
                continue
            fields = {
                "batch": 2,
                "data": 'manifest = "hippocampus.csv"',
                "post": "",
                "network": entry.network,
                "patch": list(entry.patch),
                "rate": entry.rate,
                **entry.more,
            }
            steps = steps_within(TEMPLATE, fields | {"seed": 0}, HIPPOCAMPUS, work / f"{number}", SECONDS)
            runs = [
                train_by(TEMPLATE, fields | {"seed": seed, "steps": steps}, HIPPOCAMPUS, work / f"{number}-{seed}")
                for seed in SEEDS
            ]
            rows[name] = {"steps": steps, "dice": [round(run.score.value, 4) for run in runs]}
            print(name, rows[name], flush=True)
    for row in rows.values():
        gains = [own - base for own, base in zip(row["dice"], rows[REFERENCE]["dice"], strict=True)]
        row["median"] = statistics.median(row["dice"])
        row[f"gain_over_{REFERENCE}"] = [round(gain, 4) for gain in gains]
    return {"seconds_of_training_each": SECONDS, "seeds": SEEDS, "threads": torch.get_num_threads(), "networks": rows}
