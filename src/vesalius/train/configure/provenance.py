"""What the images are and where they are from, as far as the data say."""

from __future__ import annotations

import re

from vesalius.train.fingerprint import Fingerprint
from vesalius.train.recipe import Provenance

_UNSAID = "not said: write it here, it stands in the model card"


def modality_of(data: Fingerprint) -> tuple[str, ...]:
    """DICOM's codes, where the files or their description say them."""
    said = {case.modality for case in data.cases if case.modality}
    if data.kind == "CT":
        said.add("CT")
    if any(re.match("mri?$", name, re.IGNORECASE) for name in data.declared.channels):
        said.add("MR")
    return tuple(sorted(said))


def channels_of(data: Fingerprint) -> tuple[str, ...]:
    """Their names: the description's, else the files', else numbers."""
    own = data.cases[0].channels
    if len(data.declared.channels) == len(own):
        return data.declared.channels
    same = all(case.channels == own for case in data.cases)
    return own if same else tuple(f"channel {number}" for number in range(len(own)))


def origin_of(data: Fingerprint, name: str) -> tuple[Provenance, dict[str, str]]:
    """What the data's description says of them, and place in the recipe → what is still to be written."""
    said = data.declared
    origin = Provenance(data=said.description or name, citation=said.reference, licence=said.licence or "unknown")
    reasons = {} if said.description else {"origin.data": _UNSAID}
    return origin, reasons | ({} if said.licence else {"origin.licence": _UNSAID})
