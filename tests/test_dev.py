"""dev.py: what it installs and runs, and what it says where it cannot."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[1] / "dev.py"


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """dev.py for a project in an empty folder, on a machine without uv."""
    spec = importlib.util.spec_from_file_location("dev", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "BIN", tmp_path / ".venv" / "bin")
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    return module


@pytest.fixture
def ran(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands it runs, each noted and found to succeed; ``mypy`` fails."""
    commands: list[str] = []

    def note(command: list[str], **options: object) -> subprocess.CompletedProcess[bytes]:
        commands.append(" ".join([Path(command[0]).name, *command[1:]]))
        return subprocess.CompletedProcess(command, int(command[0].endswith("mypy")))

    monkeypatch.setattr(dev.subprocess, "run", note)
    return commands


def test_the_demo_is_installed_once_and_again_when_the_project_changes(dev: ModuleType, ran: list[str]) -> None:
    assert dev.main(["demo", "--out", "x"]) == 0
    assert any(command.endswith("pip install --disable-pip-version-check --editable .[demo]") for command in ran)
    assert ran[-1] == "vesalius demo --out x"
    ran.clear()
    assert dev.main(["demo"]) == 0
    assert ran == ["vesalius demo"]
    (dev.ROOT / "pyproject.toml").write_text("[project]\nname = 'changed'\n")
    dev.main(["demo"])
    assert len(ran) > 2


def test_every_check_runs_and_one_that_fails_is_named(
    dev: ModuleType, ran: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert dev.main(["test"]) == 1
    checks = [command.split()[0] for command in ran[-len(dev.CHECKS) :]]
    assert checks == ["ruff", "ruff", "mypy", "lint-imports", "mkdocs", "pytest"]
    assert "failed: mypy" in capsys.readouterr().err


def test_arguments_go_to_pytest_alone(dev: ModuleType, ran: list[str]) -> None:
    assert dev.main(["test"]) == 1
    ran.clear()
    assert dev.main(["test", "tests/io", "-x"]) == 0
    assert ran == ["pytest tests/io -x"]


def test_an_installation_that_fails_is_tried_again(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1))
    assert dev.main(["demo"]) == 1
    assert not list(dev.VENV.iterdir())


@pytest.mark.parametrize(
    ("version", "absent", "sentence"),
    [((3, 10, 12), "", "needs Python 3.11 or newer"), ((3, 11, 2), "ensurepip", "apt-get install python3-venv")],
)
def test_what_a_machine_lacks_is_said(
    dev: ModuleType,
    ran: list[str],
    version: tuple[int, ...],
    absent: str,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(dev.sys, "version_info", version)
    monkeypatch.setattr(dev.importlib.util, "find_spec", lambda name: None if name == absent else object())
    assert dev.main(["test"]) == 1
    assert sentence in capsys.readouterr().err
    assert ran == []


def test_no_command_is_answered_with_the_commands(dev: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main([]) == 2
    assert dev.main(["deploy"]) == 2
    assert "dev.py demo" in capsys.readouterr().err


def test_it_needs_the_standard_library_only_and_an_old_python_can_parse_it() -> None:
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 8))
    names = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert names <= sys.stdlib_module_names
