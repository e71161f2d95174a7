"""Trains the DynUNet that the engine's benchmark runs, and puts it into a model folder.

It learns grey and white matter on the very head that it is then run on: it has to have a trained network's margins
between classes, not to be a good model. Its scores on anything are not reported. Takes some minutes, once.
"""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import torch
from monai.networks.nets import DynUNet

from benchmarks.scans import mni152, mni152_tissues

ARGUMENTS = {
    "spatial_dims": 3,
    "in_channels": 1,
    "out_channels": 3,
    "kernel_size": [3] * 5,
    "strides": [1, 2, 2, 2, 2],
    "upsample_kernel_size": [2] * 4,
    "filters": [32, 64, 128, 256, 320],
}
STEPS, SEED, PATCH = 150, 0, 64


def head() -> np.ndarray:
    """(I, J, K) float32: the T1, mean 0 and deviation 1."""
    voxels = np.asanyarray(nib.load(mni152()).dataobj).astype(np.float32)
    return (voxels - voxels.mean()) / voxels.std()


def train(path: Path) -> None:
    """Train and save the weights to ``path``."""
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    grey, white = (np.asanyarray(nib.load(tissue).dataobj) for tissue in mni152_tissues())
    target = np.where(white > 0.5, 2, np.where(grey > 0.5, 1, 0))
    scan, net = head(), DynUNet(**ARGUMENTS)
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=STEPS)
    for step in range(STEPS):
        corner = [rng.integers(20, n - PATCH - 20) for n in scan.shape]
        box = tuple(slice(c, c + PATCH) for c in corner)
        image, labels = torch.from_numpy(scan[box][None, None]), torch.from_numpy(target[box][None])
        loss = torch.nn.functional.cross_entropy(net(image), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        print(f"step {step + 1}/{STEPS} loss {loss.item():.3f}", flush=True)
    torch.save(net.state_dict(), path)


if __name__ == "__main__":
    import sys

    print(json.dumps(ARGUMENTS))
    train(Path(sys.argv[1]))
