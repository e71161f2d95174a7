"""Everything that Vesalius raises on purpose.

::

    VesaliusError                 exit 1
    ├── UsageError                exit 2   the request itself is wrong
    │   ├── UnknownModelError              no model of that name
    │   ├── MissingExtraError              an optional package is not installed
    │   └── OutputError                    the output cannot be written there
    ├── InputError                exit 3   what was handed in cannot be used
    │   ├── ScanNotFoundError              no such file or folder, or nothing readable in it
    │   ├── UnreadableScanError            damaged, truncated or not what its name says
    │   ├── GeometryError                  where the voxels are in the patient is missing or contradictory
    │   ├── SeveralSeriesError             one scan was asked for, several are there
    │   ├── UnsuitableScanError            readable, but not what this model takes
    │   ├── ModelFolderError               a model folder is incomplete, altered or of another format
    │   ├── RecipeError                    a recipe has an unknown key or a value that cannot be
    │   └── DatasetError                   training data that are incomplete or contradict themselves
    ├── ResourceError             exit 4   the machine is too small for it
    │   ├── NotEnoughMemoryError
    │   └── NotEnoughDiskError
    ├── TrainingError             exit 1   the loss is not a number; the last good checkpoint is kept
    └── CancelledError            exit 1   stopped by the user

A message is one sentence (or two) that says what is wrong, where, and what to do about it.
"""


class VesaliusError(Exception):
    """Root of the tree; ``exit_code`` is what the command returns for it."""

    exit_code = 1


class UsageError(VesaliusError):
    """The request itself is wrong."""

    exit_code = 2


class UnknownModelError(UsageError):
    """No model of that name is shipped or lies at that path."""


class MissingExtraError(UsageError):
    """An optional package is needed; the message names the extra that installs it."""


class OutputError(UsageError):
    """The output cannot be written where it was asked for."""


class InputError(VesaliusError):
    """What was handed in cannot be used."""

    exit_code = 3


class ScanNotFoundError(InputError):
    """There is no such file or folder, or nothing in it that can be read as a scan."""


class UnreadableScanError(InputError):
    """The file is damaged, truncated or not what its name says."""


class GeometryError(InputError):
    """Where the voxels lie in the patient is missing, singular or contradictory."""


class SeveralSeriesError(InputError):
    """One scan was asked for and several are there; the message lists them."""


class UnsuitableScanError(InputError):
    """The scan is readable, but not what this model or operation takes."""


class ModelFolderError(InputError):
    """A model folder is incomplete, altered, or written for another version of the format."""


class RecipeError(InputError):
    """A recipe is not TOML, has an unknown key, or a value that cannot be."""


class DatasetError(InputError):
    """Training data are incomplete, or contradict themselves or the recipe."""


class ResourceError(VesaliusError):
    """The machine is too small for the work."""

    exit_code = 4


class NotEnoughMemoryError(ResourceError):
    """The plan needs more memory than is free."""


class NotEnoughDiskError(ResourceError):
    """The output does not fit on the disk."""


class TrainingError(VesaliusError):
    """Training cannot go on: the loss is not a number. The last good checkpoint is kept."""


class CancelledError(VesaliusError):
    """The user stopped the work; nothing was left half-written."""
