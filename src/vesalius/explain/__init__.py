"""Why a network said so.

In: any ``torch.nn.Module`` and the `Volume` it saw, with the target to explain. Out: an `Attribution` on that volume's
geometry. It imports `results` and what lies under it; it knows no engine and no model folder. Imported by whatever
ties an analysis together.
"""
