"""Masked pre-training of the encoder on unlabelled hippocampus crops, then ten labelled cases: does it help?

The encoder of our residual U-Net learns for four minutes to restore masked blocks of 166 crops without their labels;
then the U-Net is trained on ten labelled ones for the same number of steps, once from these weights and once from
random ones, with three seeds. Dice on 20 cases that neither saw.
"""

from __future__ import annotations

import os
import statistics
from typing import Any

import torch

from benchmarks.architectures import PACKAGES, RECONSTRUCT
from benchmarks.learning import HIPPOCAMPUS as SEGMENT
from benchmarks.learning import steps_within, train_by, workplace
from benchmarks.learning_data import HIPPOCAMPUS, hippocampus_manifest

__all__ = ["PACKAGES", "run"]

SECONDS = float(os.environ.get("VESALIUS_BENCH_SECONDS", "75"))
SEEDS = (0, 1, 2)
PRETRAINING = 3  # times as long as a training
PATCH = [40, 56, 40]
SIZE = "dims = 3, channels = 1, width = 16, depth = 4"


def run() -> dict[str, Any]:
    """Dice by seed, with and without pre-training."""
    with workplace() as work:
        hippocampus_manifest(work / "hippocampus.csv", 166, 20)
        hippocampus_manifest(work / "ten.csv", 10, 20)
        masked = {
            "batch": 2,
            "network": f'net = "autoencoder"\narguments = {{ {SIZE} }}',
            "corruption": 'kind = "mask"\nshare = 0.6\nblock = 4',
            "patch": PATCH,
            "rate": 2e-3,
        }
        steps = steps_within(RECONSTRUCT, masked, HIPPOCAMPUS, work / "masked", PRETRAINING * SECONDS)
        pretrained = train_by(RECONSTRUCT, masked | {"steps": steps}, HIPPOCAMPUS, work / "masked")
        network = f'net = "residual-unet"\narguments = {{ {SIZE}, classes = 3, deep_supervision = true }}'
        fields = {
            "batch": 2,
            "seed": 0,
            "data": 'manifest = "ten.csv"',
            "post": "",
            "network": network,
            "patch": PATCH,
            "rate": 2e-3,
        }
        labelled = steps_within(SEGMENT, fields, HIPPOCAMPUS, work / "plan", SECONDS)
        starts = {"random weights": "", "masked pre-training": '\nstart = "masked"'}
        dice = {
            name: [
                train_by(
                    SEGMENT,
                    fields | {"seed": seed, "steps": labelled, "network": network + start},
                    HIPPOCAMPUS,
                    work / f"{'masked' if start else 'random'}-{seed}",
                ).score.value
                for seed in SEEDS
            ]
            for name, start in starts.items()
        }
    before, after = dice.values()
    gains = [b - a for a, b in zip(before, after, strict=True)]
    return {
        "threads": torch.get_num_threads(),
        "seeds": SEEDS,
        "pre_training_steps": pretrained.steps,
        "reconstruction_minus_mse": round(pretrained.score.value, 4),
        "labelled_cases": 10,
        "steps": labelled,
        "dice": {name: [round(value, 4) for value in values] for name, values in dice.items()},
        "gain": [round(gain, 4) for gain in gains],
        "median_gain": round(statistics.median(gains), 4),
    }
