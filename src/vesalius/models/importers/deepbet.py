"""Make the shipped model ``brain`` from the networks that the PyPI package deepbet (MIT) carries.

What runs: `torch.jit.load` reads deepbet's two TorchScript archives with PyTorch's own restricted unpickler, which
builds tensors and script types only, and compiles the archive's TorchScript; each network's script then runs once, on
a golden input, as the reference for ours. No Python of deepbet runs here. The weights go over to our own `LinkNet`.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from vesalius import nets
from vesalius.errors import ModelFolderError, UsageError
from vesalius.extras import require
from vesalius.models.golden import FloatTensor, GoldenCase
from vesalius.models.graph import trace, write_tensors
from vesalius.models.importers.unknown import ImportSummary
from vesalius.models.spec import (
    LabelPlausibility,
    LocatorSpec,
    MeasuredScore,
    ModelSpec,
    NetworkSpec,
    Origin,
    PercentileIntensity,
    PostProcessing,
    WholeGrid,
)
from vesalius.models.store import Converted, new_folder, store_network, store_spec
from vesalius.results import Code, Label
from vesalius.volume import Array

SHAPE_FILE = "shape.safetensors"
_INTENSITY = PercentileIntensity(low=0.5, high=99.5, scale=0.226, shift=0.449)
_SCORED_BY = "python benchmarks/run.py brain"
_GOLDEN_SIZE = (64, 96, 32)  # three lengths, so that exchanged axes show


def import_deepbet(out: Path, head: Array, shape: Array) -> ImportSummary:
    """Write the model folder ``out`` from the installed package deepbet.

    Args:
        out: the folder to make.
        head: (I, J, K) a T1-weighted head MRI with axes in RAS, for the golden cases.
        shape: (N, N, N) reference shape of the brain, see `vesalius.trust.shape.occupancy`.

    Raises:
        UsageError: deepbet is not installed.
        ModelFolderError: its networks are not those of version 1.0.2.
        OutputError: ``out`` exists or cannot be written.
    """
    models = _models_of_deepbet()
    with new_folder(out) as folder:
        outline, first = store_network(folder, "outline", _convert(models / "model.pt", head, 256))
        locate, second = store_network(folder, "locate", _convert(models / "bbox_model.pt", head, 128))
        write_tensors({"occupancy": shape.astype(np.float16)}, folder / SHAPE_FILE)
        store_spec(folder, _describe(outline, locate))
    ran = tuple(f"the TorchScript in {name} of deepbet, once" for name in ("model.pt", "bbox_model.pt"))
    return ImportSummary("deepbet", out, ran, (), max(first, second))


def _models_of_deepbet() -> Path:
    package = importlib.util.find_spec("deepbet")
    if package is None or package.origin is None:
        raise UsageError("the package deepbet is not installed; run: pip install deepbet==1.0.2")
    return Path(package.origin).parents[1] / "data" / "models"


def _convert(path: Path, head: Array, size: int) -> Converted:
    torch = require("torch", "import")
    script = torch.jit.load(path, map_location="cpu").eval()
    network = nets.build("linknet", {})
    state = script.state_dict()
    if {key: value.shape for key, value in state.items()} != {k: v.shape for k, v in network.state_dict().items()}:
        raise ModelFolderError(f"{path} does not hold the LinkNet of deepbet 1.0.2; run: pip install deepbet==1.0.2")
    network.load_state_dict(state)
    image = _network_ready(head)
    with torch.inference_mode():
        output = script(torch.from_numpy(image)).numpy()
    fields: dict[str, Any] = {
        "net": "linknet",
        "grid": WholeGrid(size=(size, size, size), interpolation="nearest"),
        "intensity": _INTENSITY,
    }
    tensors = {key: tensor.numpy() for key, tensor in state.items()}
    return Converted(trace(network, image.shape), tensors, GoldenCase(image, output), fields)


def _network_ready(head: Array) -> FloatTensor:
    """(1, 1, I, J, K): the head at the golden size by nearest neighbour, its intensities by the model's rule."""
    positions = [
        np.floor((np.arange(n) + 0.5) * m / n).astype(int) for n, m in zip(_GOLDEN_SIZE, head.shape, strict=True)
    ]
    sampled = head[np.ix_(*positions)].astype(np.float32)
    sampled = sampled.clip(*np.percentile(sampled, [_INTENSITY.low, _INTENSITY.high]))
    standardised = (sampled - sampled.mean()) / sampled.std() * _INTENSITY.scale + _INTENSITY.shift
    image: FloatTensor = standardised.astype(np.float16).astype(np.float32)[None, None]
    return image


def _describe(outline: NetworkSpec, locate: NetworkSpec) -> ModelSpec:
    code = Code(value="12738006", meaning="Brain")
    return ModelSpec(
        name="brain",
        version="1.0",
        task="segment",
        summary="Outlines the brain in a T1-weighted head MRI (brain extraction, skull stripping).",
        uses=(
            "Research on T1-weighted MRI of adult heads: brain extraction before registration, volumetry or display.",
            "The mask holds brain, cerebellum and brain stem with the fluid in and around them: about the intracranial "
            "volume.",
        ),
        limits=(
            "It is no medical device and was not evaluated for diagnosis.",
            "It was trained on T1-weighted scans of adults only: not on T2, FLAIR, CT, infants or animals.",
            "Its authors state it for healthy adults: look at the mask where there is a tumour, a resection cavity "
            "or a heavy artefact.",
            "It cannot tell left from right: a scan with exchanged sides gives an equally good mask and no warning.",
            "It learned from heads as they lie in scanners: look at the mask of a strongly tilted one.",
            "Thick slices make its outline less sure: copies of a scan of 6.5 mm slices, resampled onto grids turned "
            "by 20°, agreed with it at Dice 0.95 to 0.97, those of 1 mm heads at 0.99 "
            "(python benchmarks/run.py turned).",
        ),
        modality=("MR",),
        channels=("T1",),
        network=outline,
        locator=LocatorSpec(network=locate, margin=0.1, min_share=0.02),
        labels={1: Label(name="brain", colour="#e8b4a0", code=code)},
        post=PostProcessing(keep_largest=True, fill_holes=True),
        plausibility={"brain": _plausibility()},
        origin=_origin(),
        scores=tuple(
            MeasuredScore(metric="Dice with deepbet's own mask", value=0.998, on=scan, command=_SCORED_BY)
            for scan in ("the MNI152 T1", "the Colin27 T1")
        ),
    )


def _plausibility() -> LabelPlausibility:
    return LabelPlausibility(
        volume_ml=(900, 2100),
        volume_basis=(
            "intracranial volume of 49 adults: 1469 ± 102 ml in men, 1289 ± 111 ml in women, Matsumae et al., "
            "J Neurosurg 84(6), 1996; three deviations either way, and room above for scans brought into the larger "
            "MNI152 space"
        ),
        components=1,
        reference_shape=SHAPE_FILE,
        contrast="T1",
    )


def _origin() -> Origin:
    return Origin(
        source="PyPI package deepbet 1.0.2, data/models/model.pt (outline) and bbox_model.pt (locate), converted",
        data=(
            "T1-weighted MRI of adults from 191 public OpenNeuro datasets: 568 images in the preprint "
            "(arXiv:2308.07003), 7837 in the journal article"
        ),
        citation=(
            "Fisch et al., deepbet: Fast brain extraction of T1-weighted MRI using convolutional neural networks, "
            "Computers in Biology and Medicine 179:108845, 2024, doi:10.1016/j.compbiomed.2024.108845"
        ),
        licence="MIT",
        copyright="© 2023 Medical Machine Learning Lab - University of Münster",
    )
