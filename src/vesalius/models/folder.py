"""A model folder on disk: found by name or path, checked, and handed out file by file."""

from __future__ import annotations

import difflib
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from vesalius.errors import ModelFolderError, UnknownModelError
from vesalius.models.spec import FORMAT_VERSION, LabelPlausibility, ModelSpec, NetworkSpec
from vesalius.results import ModelRecord
from vesalius.volume import Array

SPEC_FILE = "model.json"
CARD_FILE = "README.md"
GOLDEN_FOLDER = "golden"
_SHIPPED = Path(__file__).parent


@dataclass(frozen=True)
class ModelFolder:
    """A folder whose model.json was read and found valid; each file is checked when it is asked for."""

    path: Path
    spec: ModelSpec

    @property
    def networks(self) -> tuple[NetworkSpec, ...]:
        """The model's networks, in the order of model.json."""
        extras = (self.spec.familiarity, self.spec.locator)
        return (self.spec.network, *(extra.network for extra in extras if extra is not None))

    def file(self, name: str) -> Path:
        """The path of ``name`` in the folder, after its sha256 was compared where model.json gives one.

        A graph reads its weights by itself, so that asking for it checks these too.

        Raises:
            ModelFolderError: the file is missing, lies outside the folder, or is not the one that model.json describes.
        """
        for network in self.networks:
            if name == network.graph:
                self._check(network.weights, network.sha256)
                return self._check(name, network.graph_sha256)
            if name == network.weights:
                return self._check(name, network.sha256)
        return self._inside(name)

    def golden(self, network: NetworkSpec) -> Path:
        """The golden case of one of the model's networks.

        Raises:
            ModelFolderError: it is missing or lies outside the folder.
        """
        return self._inside(f"{GOLDEN_FOLDER}/{network.golden}")

    def reference_shape(self, plausibility: LabelPlausibility) -> Array | None:
        """(N, N, N) float32: the label's occupancy, see `vesalius.trust.shape.occupancy`; None if none is given.

        Raises:
            ModelFolderError: the file is missing or does not hold such an array.
        """
        if plausibility.reference_shape is None:
            return None
        path = self.file(plausibility.reference_shape)
        array = read_tensors(path).get("occupancy")
        if array is None or array.ndim != 3:
            raise ModelFolderError(f"{path} must hold a tensor 'occupancy' of three axes; get the model anew")
        return array.astype("float32")

    def verify(self) -> None:
        """Check every file that model.json names.

        Raises:
            ModelFolderError: one is missing or altered.
        """
        for network in self.networks:
            self.file(network.graph)
            self.golden(network)
        for plausibility in self.spec.plausibility.values():
            self.reference_shape(plausibility)

    def _check(self, name: str, sha256: str) -> Path:
        path = self._inside(name)
        status = path.stat()
        if _digest(path, status.st_mtime_ns, status.st_size) != sha256:
            raise ModelFolderError(
                f"{path} is not the file that {SPEC_FILE} describes (its sha256 differs): it was altered or is "
                "incomplete; get the model anew"
            )
        return path

    def _inside(self, name: str) -> Path:
        path = self.path / name
        if not path.resolve().is_relative_to(self.path.resolve()):
            raise ModelFolderError(
                f"{name!r} leads out of the model folder {self.path}; a model is one folder of its own"
            )
        if not path.is_file():
            raise ModelFolderError(f"the model folder {self.path} lacks the file {name}; get the model anew")
        return path


def shipped() -> list[str]:
    """The names of the models that come with Vesalius."""
    return sorted(path.parent.name for path in _SHIPPED.glob(f"*/{SPEC_FILE}"))


def open_model(name_or_path: str | Path) -> ModelFolder:
    """The shipped model of that name, or the model folder at that path.

    A plain name means the shipped model even where a folder of that name lies in the working directory; write
    ``./name`` for the folder.

    Raises:
        UnknownModelError: there is neither.
        ModelFolderError: the folder's model.json is invalid or of a newer format.
    """
    if isinstance(name_or_path, str) and name_or_path in shipped():
        return _open(_SHIPPED / name_or_path)
    path = Path(name_or_path)
    if path.name == SPEC_FILE and path.is_file():
        path = path.parent
    if (path / SPEC_FILE).is_file():
        return _open(path)
    if path.is_dir():
        raise UnknownModelError(
            f"the folder {path} is no model: it has no {SPEC_FILE}; 'vesalius models import' makes one"
        )
    names = difflib.get_close_matches(str(name_or_path), shipped()) or shipped()
    raise UnknownModelError(
        f"there is no model {str(name_or_path)!r}: name one of {', '.join(names)}, or give the path of a model folder"
    )


def record(folder: ModelFolder) -> ModelRecord:
    """What a report says of the model; its sha256 is the weights file's, or over those of several."""
    digests = [network.sha256 for network in folder.networks]
    spec = folder.spec
    return ModelRecord(
        name=spec.name,
        version=spec.version,
        task=spec.task,
        licence=spec.origin.licence,
        sha256=digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest(),
    )


def read_tensors(path: Path) -> dict[str, Array]:
    """The arrays of a safetensors file.

    Raises:
        ModelFolderError: it is not one.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelFolderError(f"{path} cannot be read as safetensors ({error}); get the model anew") from error


def _open(path: Path) -> ModelFolder:
    file = path / SPEC_FILE
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise ModelFolderError(f"{file} cannot be read as JSON: {error}") from error
    version = content.get("format") if isinstance(content, dict) else None
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise ModelFolderError(
            f"{file} is written in format {version}, this Vesalius reads up to {FORMAT_VERSION}; "
            "run: pip install --upgrade vesalius"
        )
    try:
        return ModelFolder(path, ModelSpec.model_validate(content))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise ModelFolderError(f"{file} is not a valid model description: at {where}: {first['msg']}") from error


def file_sha256(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def _digest(path: Path, _modified: int, _size: int) -> str:
    """Kept as long as the file's time and size stay the same: a server opens the same model again and again."""
    return file_sha256(path)
