"""`vesalius analyze` with the model `brain` against the deepbet command on the same scans, as whole processes.

deepbet writes the mask and the masked scan; ours also measures, judges, meshes, draws and writes a page. Beside the
times: how far the two masks agree (Dice).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from benchmarks.harness import measure_commands
from benchmarks.scans import colin27, mni152
from vesalius.measure.overlap import dice

BIN = Path(sys.executable).parent


def run(repeats: int = 7) -> dict[str, Any]:
    """Times, peak memory and agreement for each scan."""
    return {path.name: _one(path, repeats) for path in (mni152(), colin27()) if path.exists()}


def _one(scan: Path, repeats: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as work:
        ours, theirs = Path(work) / "ours", Path(work) / "deepbet.nii.gz"
        commands = {
            "vesalius": [str(BIN / "vesalius"), "analyze", str(scan), "--model", "brain", "--out", str(ours)],
            "deepbet": [
                str(BIN / "deepbet-cli"), "--input", str(scan), "--output", str(Path(work) / "brain.nii.gz"),
                "--mask_output", str(theirs), "--no_gpu",
            ],
        }  # fmt: skip
        figures = measure_commands(commands, repeats)
        masks = [np.asanyarray(nib.load(path).dataobj) > 0 for path in (ours / "segmentation.nii.gz", theirs)]
    return {"commands": figures, "dice": dice(*masks)}
