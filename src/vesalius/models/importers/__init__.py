"""Networks from elsewhere, turned into model folders: TorchScript, ONNX, MONAI bundles, nnU-Net v2 results."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from vesalius.errors import ModelFolderError, UsageError
from vesalius.models.importers.unknown import ImportSummary

__all__ = ["ImportSummary", "import_model"]


def import_model(path: Path, out: Path, *, name: str | None = None, run_foreign_code: bool = False) -> ImportSummary:
    """Make the model folder ``out`` of the network at ``path``, whose kind is found from what is there.

    Nothing is unpickled but tensors and plain data. Code that comes with the network (TorchScript) runs only with
    ``run_foreign_code``; the summary says what code ran.

    Args:
        path: a TorchScript or ONNX file, a MONAI bundle folder, or an nnU-Net v2 results folder.
        out: the folder to make; it must not exist.
        name: the model's name; the folder's by default.
        run_foreign_code: whether code that comes with the network may run.

    Raises:
        ModelFolderError: ``path`` is none of these, or holds something that Vesalius cannot run.
        UsageError: the network holds code and ``run_foreign_code`` is false, or ``name`` is no name.
        OutputError: ``out`` exists or cannot be written.
        MissingExtraError: a package is needed that is not installed.
    """
    named = _model_name(name or out.resolve().name)
    if (path / "plans.json").is_file():
        from vesalius.models.importers.nnunet import import_nnunet

        return import_nnunet(path, out, named)
    if (path / "configs").is_dir():
        from vesalius.models.importers.monai_bundle import import_monai_bundle

        return import_monai_bundle(path, out, named, run_foreign_code=run_foreign_code)
    if path.is_file() and path.suffix.lower() == ".onnx":
        from vesalius.models.importers.onnx import import_onnx

        return import_onnx(path, out, named)
    if path.is_file() and zipfile.is_zipfile(path):
        from vesalius.models.importers.torchscript import import_torchscript

        return import_torchscript(path, out, named, run_foreign_code=run_foreign_code)
    raise ModelFolderError(
        f"{path} is no TorchScript or ONNX file, no MONAI bundle (a folder with configs/) and no nnU-Net v2 results "
        "folder (with plans.json); name one of these"
    )


def _model_name(wanted: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", wanted.lower()).strip("-")
    if not slug:
        raise UsageError(f"{wanted!r} is no name for a model; use lower-case letters, digits and hyphens")
    return slug
