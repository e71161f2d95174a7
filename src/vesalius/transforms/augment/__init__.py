"""Augmentation: random changes that leave a label true, drawn first, recorded, replayed and undone.

What a recipe says of them is here and needs no torch; what does them is `vesalius.transforms.augment.chain.Chain`.
"""

from vesalius.transforms.augment.kinds import Augmentation as Augmentation
