"""``import vesalius`` and ``vesalius --help`` are light, and the interface is what its type hints say."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import vesalius

HEAVY = {
    "PIL", "SimpleITK", "jinja2", "monai", "nibabel", "numpy", "onnxruntime", "openvino", "pydantic", "pydicom", "rich",
    "scipy", "torch", "trimesh", "vtk", "vtkmodules",
}  # fmt: skip


def modules_after(code: str) -> set[str]:
    """The top-level modules that a new Python has loaded after ``code``."""
    report = f"{code}\nimport sys\nprint('\\n'.join(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stderr.split()}


@pytest.mark.parametrize("code", ["import vesalius", "import vesalius.cli as c\nc.run(['--help'])"])
def test_nothing_heavy_is_imported_before_it_is_needed(code: str) -> None:
    loaded = modules_after(code)
    assert "vesalius" in loaded
    assert not loaded & HEAVY


def test_what_type_checkers_see_is_what_there_is() -> None:
    tree = ast.parse(Path(vesalius.__file__).read_text())
    declared = {
        alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(vesalius.__all__) == declared.keys() | {"__version__", "errors"}
    for name, home in declared.items():
        assert getattr(vesalius, name) is getattr(sys.modules[str(home)], name)
    assert set(vesalius.__all__) <= set(dir(vesalius))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        _ = vesalius.analyse  # type: ignore[attr-defined]
