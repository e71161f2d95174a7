"""A CT-sized volume and 105 classes through a small network: does it run in 6 GB?

512×512×400 voxels; the scores of all classes at once would take 44 GB. One run in a process of its own; there is no
peer, those that hold the scores cannot run here.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = ("openvino", "torch")
SHAPE, CLASSES = (512, 512, 400), 105


def run() -> dict[str, Any]:
    """Seconds, peak memory and estimate of the one run."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "benchmarks.many_classes", "make", folder], check=True)
        command = [sys.executable, "-m", "benchmarks.many_classes", "run", folder]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    dense = 4 * CLASSES * int(np.prod(SHAPE))
    return figures | {"estimate_by_peak": figures["estimate_bytes"] / figures["peak_bytes"], "all_scores_bytes": dense}


def _make(folder: Path) -> None:
    """A model folder around a small random U-Net of MONAI's."""
    import torch

    from vesalius import nets
    from vesalius.models.golden import GoldenCase
    from vesalius.models.graph import trace
    from vesalius.models.spec import ModelSpec, Origin, SlidingGrid
    from vesalius.models.store import Converted, new_folder, store_network, store_spec
    from vesalius.results import Label, palette_colour

    torch.manual_seed(0)
    arguments = {
        "spatial_dims": 3, "in_channels": 1, "out_channels": CLASSES, "kernel_size": [3, 3, 3], "strides": [1, 2, 2],
        "upsample_kernel_size": [2, 2], "filters": [8, 16, 32],
    }  # fmt: skip
    net = nets.build("dynunet", arguments)
    image = torch.randn(1, 1, 16, 16, 16).half().float()
    with torch.inference_mode():
        golden = GoldenCase(image.numpy(), net(image).numpy())
    grid = SlidingGrid(patch=(96, 96, 96), overlap=0.25)
    tensors = {name: tensor.numpy() for name, tensor in nets.unique_tensors(net).items()}
    fields = {"net": "dynunet", "arguments": arguments, "grid": grid}
    with new_folder(folder / "model") as out:
        network, _ = store_network(out, "net", Converted(trace(net, tuple(image.shape)), tensors, golden, fields))
        labels = {v: Label(name=f"part {v}", colour=palette_colour(v)) for v in range(1, CLASSES)}
        origin = Origin(source="benchmarks/many_classes.py", data="none", licence="Apache-2.0")
        spec = ModelSpec(
            name="many", version="0", task="segment", summary="Random.", network=network, labels=labels, origin=origin
        )
        store_spec(out, spec)


def _run(folder: Path) -> None:
    from vesalius.engine.choose import EngineChoice
    from vesalius.engine.memory import peak_bytes
    from vesalius.engine.progress import Progress
    from vesalius.engine.run import Region, run_network
    from vesalius.engine.session import Session
    from vesalius.models.folder import open_model
    from vesalius.volume import Geometry, IndexBox

    rng = np.random.default_rng(0)
    scan = np.empty((1, *SHAPE), np.int16)
    for plane in scan[0]:
        plane[...] = rng.normal(0, 300, SHAPE[1:])
    model = open_model(folder / "model")
    region = Region(scan, Geometry.from_spacing(SHAPE, (0.8, 0.8, 1.0)), IndexBox((0, 0, 0), SHAPE))
    start = time.perf_counter()
    done = run_network(Session(model, EngineChoice(device="cpu")), model.spec.network, region, Progress(), "many")
    print(
        json.dumps(
            {
                "seconds": time.perf_counter() - start,
                "tiles": done.tiles,
                "labels_found": len(np.unique(done.labels)),
                "engine": f"{done.info.engine} {done.info.precision}",
                "estimate_bytes": done.memory_bytes,
                "peak_bytes": peak_bytes(),
            }
        )
    )


if __name__ == "__main__":
    {"make": _make, "run": _run}[sys.argv[1]](Path(sys.argv[2]))
