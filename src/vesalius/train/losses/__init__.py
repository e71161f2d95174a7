"""What training makes small: named terms, summed with weights."""

from vesalius.train.losses.total import TERMS as TERMS
from vesalius.train.losses.total import build_loss as build_loss
