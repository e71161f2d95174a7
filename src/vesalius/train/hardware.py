"""Where a training runs: Lightning's Fabric on the CPU or GPUs, in one process or several."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from vesalius.errors import UsageError
from vesalius.extras import require
from vesalius.train.recipe import Recipe

if TYPE_CHECKING:
    from lightning_fabric import Fabric

_PATIENCE = timedelta(days=1)  # the other processes wait while the first one validates


@dataclass(frozen=True)
class Hardware:
    """``device`` is auto, cpu or cuda; ``count`` GPUs, or processes on the CPU.

    With a ``count`` above 1 the program is started again that many times less one, as Lightning does it.
    """

    device: str = "auto"
    count: int = 1


def launched(recipe: Recipe, hardware: Hardware) -> Fabric:
    """Fabric with its processes running, set to give the same result for the same seed.

    Raises:
        UsageError: there is no such device here, or it cannot compute in the recipe's precision.
        MissingExtraError: Lightning Fabric is not installed.
    """
    lightning, torch = require("lightning_fabric", "train"), require("torch", "train")
    if hardware.device not in ("auto", "cpu", "cuda"):
        raise UsageError(f"--device is auto, cpu or cuda, not {hardware.device}")
    strategy: Any = lightning.strategies.DDPStrategy(timeout=_PATIENCE) if hardware.count > 1 else "auto"
    precision = recipe.training.precision
    try:
        fabric = lightning.Fabric(
            accelerator=hardware.device, devices=hardware.count, strategy=strategy, precision=precision
        )
    except (ValueError, RuntimeError, lightning.utilities.exceptions.MisconfigurationException) as error:
        raise UsageError(f"this machine cannot train so: {str(error).strip().splitlines()[0]}") from error
    if precision == "16-mixed" and fabric.device.type == "cpu":  # Fabric would take bf16 and say so in passing
        raise UsageError("training.precision 16-mixed needs a GPU; set it to bf16-mixed to train on the CPU")
    fabric.seed_everything(recipe.seed, verbose=False)
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    fabric.launch()
    return cast("Fabric", fabric)
