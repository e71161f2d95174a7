"""Makes the model folder `brain` again: python recipes/brain.py OUT.

Needs the packages deepbet 1.0.2 and nilearn (for the MNI152 T1). It runs deepbet's own Python on that scan for the
reference shape, and deepbet's TorchScript for the golden cases.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import nibabel as nib
import numpy as np
from deepbet.bet import BrainExtraction

from vesalius.models.importers.deepbet import import_deepbet
from vesalius.trust.shape import occupancy
from vesalius.volume import Geometry

SCAN = "datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"


def main(out: Path) -> None:
    """Write the folder and say what ran."""
    image = nib.as_closest_canonical(nib.load(Path(find_spec("nilearn").origin).parent / SCAN))
    _, mask, _ = BrainExtraction(no_gpu=True).run(image)
    geometry = Geometry(image.shape, image.affine)
    shape = occupancy(np.asanyarray(mask.dataobj) > 0, geometry)
    summary = import_deepbet(out, np.asanyarray(image.dataobj), shape)
    print(f"{summary.path}: largest difference {summary.difference:.2g}; ran {'; '.join(summary.ran)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
