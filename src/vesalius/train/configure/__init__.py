"""Self-configuration: from the fingerprint of the data and the machine to a recipe that says what each value rests on.

In the spirit of nnU-Net (Isensee et al., Nature Methods 18 (2021): 203): fixed choices that are good anywhere, rules
that derive the others from the data, and no search.
"""

from vesalius.train.configure.machine import Machine as Machine
from vesalius.train.configure.machine import this_machine as this_machine
from vesalius.train.configure.propose import Proposal as Proposal
from vesalius.train.configure.propose import propose as propose
from vesalius.train.configure.schedule import Wishes as Wishes
