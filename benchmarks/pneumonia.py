"""The recipe `pneumonia` beside a plain ResNet-18: the same images, loss, optimiser and seconds of training.

Trained on PneumoniaMNIST's training images, judged on its official validation images. "ResNet-18" has the usual 64 to
512 channels, with the first convolution for small images, as in MedMNIST's own benchmark; once without augmentation,
once with ours. The seconds are VESALIUS_BENCH_SECONDS (240) each, which makes a different number of steps of each.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import torch

from benchmarks.learning import open_ended, steps_within, train_by, workplace
from benchmarks.learning_data import PNEUMONIA

PACKAGES = ("torch", "torchvision", "monai", "lightning-fabric")
SECONDS = float(os.environ.get("VESALIUS_BENCH_SECONDS", "240"))
RECIPE = Path(__file__).parents[1] / "recipes" / "pneumonia.toml"
RESNET = (
    'net = "resnet"\nplanar = true\narguments = { dims = 2, channels = 1, classes = 2, depth = 18, small = true }\n\n'
)


def run() -> dict[str, Any]:
    """AUROC and accuracy of each."""
    recipe = RECIPE.read_text(encoding="utf-8")
    resnet = re.sub(r"(?<=\[network\]\n).*?(?=\[\[)", lambda _: RESNET, recipe, count=1, flags=re.DOTALL)
    plain = re.sub(r"\[\[augment\]\].*?(?=\[loss\])", "", resnet, flags=re.DOTALL).replace("mirror = [0]\n", "")
    recipes = {"ResNet-18, plain": plain, "ResNet-18, our augmentation": resnet, "recipes/pneumonia.toml": recipe}
    rows = {}
    with workplace() as work:
        for number, (name, text) in enumerate(recipes.items()):
            template = open_ended(text)
            steps = steps_within(template, {}, PNEUMONIA, work / f"{number}", SECONDS)
            rows[name] = train_by(template, {"steps": steps}, PNEUMONIA, work / f"{number}").figures()
            print(name, rows[name], flush=True)
    return {"seconds_of_training_each": SECONDS, "threads": torch.get_num_threads(), "classifiers": rows}
