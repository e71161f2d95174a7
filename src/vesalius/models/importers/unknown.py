"""What several importers need: a golden case for a network without one, and a description of what came without one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vesalius.errors import ModelFolderError
from vesalius.models.folder import SPEC_FILE
from vesalius.models.golden import FloatTensor, GoldenCase
from vesalius.models.spec import ModelSpec, NetworkSpec, Origin
from vesalius.results import Label, palette_colour


@dataclass(frozen=True)
class ImportSummary:
    """What was made from what: ``ran`` names the code that was run, ``notes`` what the user has to know or complete."""

    kind: str
    path: Path
    ran: tuple[str, ...]
    notes: tuple[str, ...]
    difference: float


def probe(run: Callable[[FloatTensor], FloatTensor], channels: int, patch: tuple[int, ...]) -> GoldenCase:
    """A golden case on noise, at a quarter, half or whole of ``patch``: the smallest size that the network takes.

    Raises:
        ModelFolderError: it takes none of them, or its output has not the size of its input.
    """
    reason = ""
    for divisor in (4, 2, 1):
        size = tuple(max(1, n // divisor) for n in patch)
        noise = np.random.default_rng(0).standard_normal((1, channels, *size))
        image = noise.astype(np.float16).astype(np.float32)
        try:
            output = run(image)
        except (ModelFolderError, RuntimeError, ValueError, IndexError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
            continue
        if output.ndim == image.ndim and output.shape[2:] == size:
            return GoldenCase(image, output)
        reason = f"for an input of {image.shape} it gives {output.shape}; only segmentation can be imported"
    raise ModelFolderError(f"the network does not run on a patch of {patch} voxels: {reason}")


def guessed_spec(name: str, network: NetworkSpec, golden: GoldenCase, source: str) -> tuple[ModelSpec, tuple[str, ...]]:
    """The description of a network that came without one, and what the user has to complete in it."""
    channels, classes = golden.input.shape[1], golden.output.shape[1]
    threshold = 0.5 if classes == 1 else None
    spec = ModelSpec(
        name=name,
        version="1",
        task="segment",
        summary=f"Imported from {source}.",
        channels=channel_names(channels),
        network=network.model_copy(update={"threshold": threshold}),
        labels=labels_from({value: f"label {value}" for value in range(1, max(classes, 2))}),
        origin=Origin(source=source, data="not stated in the file", licence="not stated in the file"),
    )
    note = (
        f"the file does not say how scans are prepared for it: complete spacing, intensity, orientation, channels, "
        f"labels, licence and summary in {SPEC_FILE}"
    )
    return spec, (note,) if threshold is None else (note, "it has one output channel: check the threshold")


def channel_names(count: int) -> tuple[str, ...]:
    """Names for channels that have none."""
    return ("image",) if count == 1 else tuple(f"image {number}" for number in range(1, count + 1))


def labels_from(names: Mapping[int, str]) -> dict[int, Label]:
    """Labels with a colour each."""
    return {value: Label(name=name, colour=palette_colour(value)) for value, name in names.items()}
