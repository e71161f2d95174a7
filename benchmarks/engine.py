"""The engine against MONAI's sliding window: the same network and weights on the same 1 mm head.

A DynUNet (32, 64, 128, 256, 320) with tiles of 96³ voxels that overlap by a quarter, blended evenly: the defaults of
`monai.inferers.sliding_window_inference`. MONAI runs it in eager torch in f32. Ours runs it in f32 and as "auto"
chooses. Each run is a process of its own, so that its peak memory is its own; the time is from the scan and the
network's weights in memory to the labels (for ours with compilation), without imports.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.scans import head
from vesalius.measure.overlap import dice

PACKAGES = ("torch", "monai", "openvino")
WORK = Path(__file__).parent / "work"
MODEL = WORK / "tissues"
PATCH = (96, 96, 96)


def run(repeats: int = 3) -> dict[str, Any]:
    """Seconds, peak memory and agreement of the contenders, interleaved."""
    if not MODEL.exists():
        subprocess.run([sys.executable, "-m", "benchmarks.tissue_network"], check=True, cwd=WORK.parent.parent)
    contenders = ("monai", "ours-f32", "ours-auto")
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in contenders}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(repeats):
            for name in contenders:
                command = [sys.executable, "-m", "benchmarks.engine", name, f"{folder}/{name}.npy"]
                done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=WORK.parent.parent)
                runs[name].append(json.loads(done.stdout.splitlines()[-1]))
        labels = {name: np.load(f"{folder}/{name}.npy") for name in contenders}
    figures = {name: _figures(of_one, labels[name], labels["monai"]) for name, of_one in runs.items()}
    for name in contenders[1:]:
        figures[name]["times_faster_than_monai"] = round(figures["monai"]["median"] / figures[name]["median"], 2)
    return figures


def _figures(runs: list[dict[str, Any]], labels: np.ndarray, reference: np.ndarray) -> dict[str, Any]:
    seconds = [run["seconds"] for run in runs]
    figures: dict[str, Any] = {
        "seconds": seconds,
        "min": min(seconds),
        "median": statistics.median(seconds),
        "max": max(seconds),
        "peak_bytes": max(run["peak_bytes"] for run in runs),
        "dice_with_monai": {v: round(dice(labels == v, reference == v), 6) for v in range(1, int(reference.max()) + 1)},
    }
    if "estimate_bytes" in runs[0]:
        figures["precision"] = runs[0]["precision"]
        figures["estimate_by_peak"] = [round(run["estimate_bytes"] / run["peak_bytes"], 3) for run in runs]
    return figures


def _monai(scan: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
    import torch
    from monai.inferers import sliding_window_inference

    from vesalius import nets
    from vesalius.models.folder import open_model

    folder = open_model(MODEL)
    network = folder.spec.network
    module = nets.load(network.net, network.arguments, folder.file(network.weights))
    start = time.perf_counter()
    with torch.inference_mode():
        scores = sliding_window_inference(torch.from_numpy(scan)[None, None], PATCH, 1, module)
        labels = scores[0].argmax(dim=0).numpy().astype(np.uint8)
    return labels, {"seconds": time.perf_counter() - start}


def _ours(scan: np.ndarray, precision: str) -> tuple[np.ndarray, dict[str, Any]]:
    from vesalius.engine.choose import EngineChoice
    from vesalius.engine.progress import Progress
    from vesalius.engine.run import Region, run_network
    from vesalius.engine.session import Session
    from vesalius.models.folder import open_model
    from vesalius.volume import Geometry, IndexBox

    folder = open_model(MODEL)
    region = Region(scan[None], Geometry.from_spacing(scan.shape, (1, 1, 1)), IndexBox((0, 0, 0), scan.shape))
    choice = EngineChoice(engine="openvino", precision=precision, device="cpu")  # type: ignore[arg-type]
    start = time.perf_counter()
    done = run_network(Session(folder, choice), folder.spec.network, region, Progress(), "head")
    seconds = time.perf_counter() - start
    return done.labels, {
        "seconds": seconds,
        "estimate_bytes": done.memory_bytes,
        "precision": done.info.precision,
    }


def _main(name: str, path: str) -> None:
    scan = head()
    labels, figures = _monai(scan) if name == "monai" else _ours(scan, name.removeprefix("ours-"))
    from vesalius.engine.memory import peak_bytes

    np.save(path, labels)
    print(json.dumps(figures | {"peak_bytes": peak_bytes()}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
