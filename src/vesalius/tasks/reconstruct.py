"""Reconstruction: how well an autoencoder that learned from scans of one kind restores a scan.

It restores what it has seen before better than what it has not: Baur et al., "Autoencoders for unsupervised anomaly
segmentation in brain MR images: a comparative study", Medical Image Analysis 69, 2021.
"""

from __future__ import annotations

import numpy as np

from vesalius.engine.progress import Progress
from vesalius.engine.region import Region
from vesalius.engine.run import run_dense
from vesalius.engine.session import Networks
from vesalius.models.spec import NetworkSpec
from vesalius.volume import Volume


def familiarity_error(session: Networks, volume: Volume, progress: Progress) -> float | None:
    """The error of the model's own familiarity network; None where it has none.

    Raises:
        NotEnoughMemoryError: the plan does not fit.
    """
    familiarity = session.spec.familiarity
    return None if familiarity is None else reconstruction_error(session, familiarity.network, volume, progress)


def reconstruction_error(session: Networks, network: NetworkSpec, volume: Volume, progress: Progress) -> float:
    """Mean over all voxels and channels of the squared difference that ``network`` makes to ``volume``.

    It is measured on the network's grid, on the image brought to range; nothing of the image is hidden or corrupted.

    Raises:
        NotEnoughMemoryError: the plan does not fit.
    """
    region = Region.whole(volume.reoriented(session.spec.orientation))
    run = run_dense(session, network, region, progress, "familiarity")
    with progress.stage("familiarity: compare"):
        difference = run.seen.image()
        difference -= run.values
        planes = (plane for channel in difference for plane in channel)  # so that no second copy is made
        return float(np.mean([np.square(plane).mean(dtype=np.float64) for plane in planes]))
