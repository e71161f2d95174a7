"""Every architecture of `vesalius.nets` trained for a minute on real data, beside a trivial baseline.

Segmentation: `hippocampus`, 80 cases to train on and 20 to validate on; the baseline is the intensity threshold that is
best on the training cases, for each label. Classification of pictures: PneumoniaMNIST's own parts; of volumes: is a
hippocampus larger than the median (168 cases, 40 to validate on); of bags: is there pneumonia in any of eight X-rays;
the baseline is the majority class, whose AUROC is 0.5. Reconstruction: hippocampus crops; the baseline is the mean
image value, whose error is the image's variance.

All networks get the same seconds of training steps (VESALIUS_BENCH_SECONDS, 60), whatever that makes in steps, so that
the table shows what each gives for its cost, not what it could give; none is tuned.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.learning import HIPPOCAMPUS as SEGMENT
from benchmarks.learning import TRAINING, Trained, steps_within, train_by, workplace
from benchmarks.learning_data import (
    HIPPOCAMPUS,
    PNEUMONIA,
    hippocampus_manifest,
    hippocampus_sizes,
    pneumonia_bags,
)
from vesalius import nets
from vesalius.measure.overlap import dice
from vesalius.nets.cost import cost
from vesalius.train.data import Case, open_dataset

PACKAGES = ("torch", "monai", "torchvision", "timm", "lightning-fabric", "dynamic-network-architectures")
SECONDS = float(os.environ.get("VESALIUS_BENCH_SECONDS", "60"))

CLASSIFY = (
    """
name = "bench"
task = "classify"
channels = ["image"]
orientation = "{orientation}"
[labels.0]
name = "no"
colour = "#4c9f70"
[labels.1]
name = "yes"
colour = "#d1495b"
[data]
intensity = {{ rule = "zscore" }}
[data.grid]
kind = "whole"
size = {patch}
[network]
{network}
[[augment]]
kind = "affine"
probability = 0.8
degrees = 10.0
[loss]
terms = {{ cross-entropy = 1.0 }}
"""
    + TRAINING
)

RECONSTRUCT = (
    """
name = "bench"
task = "reconstruct"
orientation = "RAS"
[data]
intensity = {{ rule = "zscore" }}
manifest = "hippocampus.csv"
[data.grid]
kind = "sliding"
patch = {patch}
[network]
{network}
[corruption]
{corruption}
[loss]
terms = {{ mse = 1.0 }}
"""
    + TRAINING
)


@dataclass(frozen=True)
class Entry:
    """A row of the table: the network section of a recipe, as TOML, and what its group's recipe needs beside."""

    network: str
    patch: tuple[int, int, int] = (48, 64, 48)
    rate: float = 2e-3
    more: dict[str, Any] = field(default_factory=dict)


def _ours(net: str, arguments: str = "") -> str:
    return f'net = "{net}"\narguments = {{ dims = 3, channels = 1, classes = 3{arguments} }}'


_MONAI = "spatial_dims = 3, in_channels = 1, out_channels = 3"
_LADDER = "channels = [16, 32, 64, 128], strides = [2, 2, 2]"
_STAGES = (
    'n_stages = 4, features_per_stage = [16, 32, 64, 128], conv_op = "torch.nn.modules.conv.Conv3d", kernel_sizes = 3, '
    "strides = [1, 2, 2, 2], n_blocks_per_stage = [1, 2, 2, 2], n_conv_per_stage_decoder = [1, 1, 1], "
    "conv_bias = true, "
    'norm_op = "torch.nn.modules.instancenorm.InstanceNorm3d", norm_op_kwargs = { eps = 1e-5, affine = true }, '
    'nonlin = "torch.nn.LeakyReLU", nonlin_kwargs = { inplace = true }'
)

SEGMENTATION = {
    "U-Net": Entry(f'net = "unet"\narguments = {{ {_MONAI}, {_LADDER}, norm = "INSTANCE" }}'),
    "U-Net, residual encoder (ours)": Entry(_ours("residual-unet", ", width = 16, depth = 4, deep_supervision = true")),
    "U-Net, residual encoder (nnU-Net's)": Entry(
        'net = "nnunet-residual"\n'
        f"arguments = {{ input_channels = 1, num_classes = 3, deep_supervision = true, {_STAGES} }}"
    ),
    "Attention U-Net": Entry(f'net = "attention-unet"\narguments = {{ {_MONAI}, {_LADDER} }}'),
    "U-Net++": Entry(_ours("unet-plus-plus", ", width = 8")),
    "DeepLabv3+": Entry(_ours("deeplab", ", depth = 18, rates = [1, 2, 3]"), rate=1e-3),
    "DeepMedic + CRF": Entry(
        _ours("deepmedic"),
        patch=(32, 40, 32),  # the paper's patches are small, for its features stay at full size
        more={"post": "crf = { appearance = 2.0, appearance_mm = 3.0, appearance_intensity = 0.5, smoothness = 1.0 }"},
    ),
    "3D deeply supervised": Entry(_ours("deeply-supervised", ", width = 16")),
    "SwinUNETR": Entry(
        f'net = "swin-unetr"\narguments = {{ {_MONAI}, feature_size = 12 }}', patch=(64, 64, 64), rate=1e-3
    ),
}

_PICTURE = (28, 28, 1)
PICTURES = {
    **{
        f"ResNet-{depth}": Entry(
            f'net = "resnet"\nplanar = true\narguments = {{ dims = 2, channels = 1, depth = {depth}, small = true }}',
            _PICTURE,
            1e-3,
        )
        for depth in (18, 34, 50)
    },
    "ResNet-18, quarter width": Entry(
        'net = "monai-resnet"\nplanar = true\narguments = { block = "basic", layers = [2, 2, 2, 2], '
        "block_inplanes = [16, 32, 64, 128], spatial_dims = 2, n_input_channels = 1, num_classes = 2, "
        "conv1_t_size = 3, conv1_t_stride = 1, no_max_pool = true }",
        _PICTURE,
    ),
    "DenseNet-121": Entry(
        'net = "densenet"\nplanar = true\narguments = { dims = 2, channels = 1, depth = 121, small = true }',
        _PICTURE,
        1e-3,
    ),
    "ViT": Entry(
        'net = "vit"\nplanar = true\narguments = { size = [28, 28], channels = 1, patch = 4, width = 96, depth = 6, '
        "heads = 4 }",
        _PICTURE,
        1e-3,
    ),
    "timm MobileNetV3": Entry(
        'net = "timm"\nplanar = true\narguments = { name = "mobilenetv3_small_100", channels = 1 }', (64, 64, 1), 2e-3
    ),
}

_VOLUME = (32, 48, 32)
VOLUMES = {
    "ResNet-18, 3D": Entry('net = "resnet"\narguments = { dims = 3, channels = 1, depth = 18 }', _VOLUME, 1e-3),
    "DenseNet-121, 3D": Entry('net = "densenet"\narguments = { dims = 3, channels = 1, depth = 121 }', _VOLUME, 1e-3),
    "ViT, 3D": Entry(
        'net = "vit"\narguments = { size = [32, 48, 32], channels = 1, patch = 8, width = 96, depth = 6, heads = 4 }',
        _VOLUME,
        1e-3,
    ),
}

BAGS = {
    "Attention MIL": Entry(
        'net = "mil"\narguments = { channels = 1, depth = 18, small = true }', (28, 28, 8), 5e-4, {"batch": 8}
    )
}

_AUTOENCODER = 'net = "autoencoder"\narguments = { dims = 3, channels = 1, width = 16, depth = 3 }'
REPRESENTATION = {
    f"Autoencoder, {name}": Entry(_AUTOENCODER, (40, 56, 40), more={"corruption": corruption})
    for name, corruption in (
        ("plain", 'kind = "none"'),
        ("denoising", 'kind = "noise"\ndeviation = 0.5'),
        ("masked", 'kind = "mask"\nshare = 0.5\nblock = 4'),
    )
}


def run() -> dict[str, Any]:
    """One row a network: parameters, operations, seconds a step, score and the score of its baseline."""
    with workplace() as work:
        table = hippocampus_manifest(work / "hippocampus.csv", 80, 20)
        threshold = _threshold_dice(open_dataset(HIPPOCAMPUS, table).cases)
        fields = {"batch": 2, "seed": 0, "data": 'manifest = "hippocampus.csv"', "post": ""}
        rows = _group(SEGMENTATION, SEGMENT, HIPPOCAMPUS, work, fields, threshold)
        picture = {"orientation": "LPS", "batch": 32}
        rows |= _group(PICTURES, CLASSIFY, PNEUMONIA, work, picture, 0.5)
        volume = {"orientation": "RAS", "batch": 4}
        rows |= _group(VOLUMES, CLASSIFY, hippocampus_sizes(work / "sizes.npz"), work, volume, 0.5)
        rows |= _group(BAGS, CLASSIFY, pneumonia_bags(work / "bags.npz"), work, volume, 0.5)
        rows |= _group(REPRESENTATION, RECONSTRUCT, HIPPOCAMPUS, work, {"batch": 2}, -1.0)
    return {"seconds_of_training_each": SECONDS, "threads": torch.get_num_threads(), "networks": rows}


def _group(
    entries: dict[str, Entry], template: str, data: Path, work: Path, fields: dict[str, Any], baseline: float
) -> dict[str, Any]:
    """Rows by name; one that does not beat its baseline says so."""
    rows = {}
    for name, entry in entries.items():
        own = {**fields, "network": entry.network, "patch": list(entry.patch), "rate": entry.rate, **entry.more}
        out = work / "".join(letter if letter.isalnum() else "-" for letter in name)
        steps = steps_within(template, own, data, out, SECONDS)
        rows[name] = _row(train_by(template, own | {"steps": steps}, data, out), entry.patch, baseline)
        print(name, rows[name], flush=True)
    return rows


def _row(trained: Trained, patch: tuple[int, int, int], baseline: float) -> dict[str, Any]:
    network = trained.recipe.network
    size = [n for n in patch if not (network.planar and n == 1)]
    parts = cost(nets.build(network.net, network.arguments), (1, 1, *size))
    return {
        "parameters": parts.parameters,
        "gflops": round(parts.flops / 1e9, 3),
        "input": list(patch),
        **trained.figures(),
        "baseline": round(baseline, 4),
        "beats_baseline": trained.score.value > baseline,
    }


def _threshold_dice(cases: tuple[Case, ...]) -> float:
    """Mean Dice of the two labels on the validation cases, each by its best threshold of the training cases' z-scores.

    A threshold may have the label above or below it.
    """
    train = [_scaled(case) for case in cases if case.split == "train"]
    held = [_scaled(case) for case in cases if case.split == "validation"]
    scores = []
    for label in (1, 2):
        choices = [(level, sign) for level in np.linspace(-2, 4, 61) for sign in (1, -1)]
        means = [np.mean([dice(_above(z, *choice), truth == label, 1) for z, truth in train]) for choice in choices]
        best = choices[int(np.argmax(means))]
        scores.append(np.mean([dice(_above(z, *best), truth == label, 1) for z, truth in held]))
    return float(np.mean(scores))


def _above(z: np.ndarray, level: float, sign: int) -> np.ndarray:
    return (sign * (z - level) > 0).astype(np.uint8)


def _scaled(case: Case) -> tuple[np.ndarray, np.ndarray]:
    voxels, labels = case.volume().voxels[0], case.labelmap()
    assert labels is not None
    return (voxels - voxels.mean()) / voxels.std(), labels.voxels
