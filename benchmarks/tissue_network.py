"""Trains the DynUNet that the engine's benchmark runs, into the model folder benchmarks/work/tissues.

It learns grey and white matter on the very head that it is then run on: it has to have a trained network's margins
between classes, not to be a good model, and no score of it is reported. Takes some ten minutes on two cores, once.
"""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import torch

from benchmarks.scans import head, mni152_tissues
from vesalius import nets
from vesalius.models.golden import GoldenCase
from vesalius.models.graph import trace
from vesalius.models.spec import ModelSpec, Origin, SlidingGrid
from vesalius.models.store import Converted, new_folder, store_network, store_spec
from vesalius.results import Label, palette_colour

OUT = Path(__file__).parent / "work" / "tissues"
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


def train() -> torch.nn.Module:
    """The network after `STEPS` steps on random crops, one a step."""
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    grey, white = (np.asanyarray(nib.load(tissue).dataobj) for tissue in mni152_tissues())
    target = np.where(white > 0.5, 2, np.where(grey > 0.5, 1, 0))
    scan, net = head(), nets.build("dynunet", ARGUMENTS).train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=STEPS)
    for step in range(STEPS):
        corner = [int(rng.integers(20, n - PATCH - 20)) for n in scan.shape]
        box = tuple(slice(c, c + PATCH) for c in corner)
        image, labels = torch.from_numpy(scan[box][None, None]), torch.from_numpy(target[box][None])
        loss = torch.nn.functional.cross_entropy(net(image), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        print(f"step {step + 1}/{STEPS} loss {loss.item():.3f}", flush=True)
    return net.eval()


def store(net: torch.nn.Module) -> None:
    """Put the network into the model folder; its golden case is a part of the head."""
    image = head()[60:124, 80:144, 60:124][None, None].astype(np.float16).astype(np.float32)
    with torch.inference_mode():
        golden = GoldenCase(image, net(torch.from_numpy(image)).numpy())
    fields = {
        "net": "dynunet",
        "arguments": ARGUMENTS,
        "grid": SlidingGrid(patch=(96, 96, 96), overlap=0.25, blend="constant"),
    }
    tensors = {name: tensor.numpy() for name, tensor in nets.unique_tensors(net).items()}
    with new_folder(OUT) as folder:
        network, _ = store_network(folder, "net", Converted(trace(net, (1, 1, 64, 64, 64)), tensors, golden, fields))
        spec = ModelSpec(
            name="tissues",
            version="0",
            task="segment",
            summary="A network for the engine's benchmark.",
            channels=("T1",),
            network=network,
            labels={v: Label(name=n, colour=palette_colour(v)) for v, n in ((1, "grey matter"), (2, "white matter"))},
            origin=Origin(source="benchmarks/tissue_network.py", data="MNI152", licence="Apache-2.0"),
        )
        store_spec(folder, spec)


if __name__ == "__main__":
    OUT.parent.mkdir(exist_ok=True)
    store(train())
