"""Training data in the formats people have, as cases: an image with a label, a class or nothing."""

from vesalius.train.data.case import Case as Case
from vesalius.train.data.case import Dataset as Dataset
from vesalius.train.data.check import check_dataset as check_dataset
from vesalius.train.data.contradictions import refuse_unusable as refuse_unusable
from vesalius.train.data.layouts import open_dataset as open_dataset
from vesalius.train.data.split import Division as Division
from vesalius.train.data.split import divide as divide
from vesalius.train.data.split import with_fold as with_fold
