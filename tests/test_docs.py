"""The documentation does what it says: code runs, commands end with the exit code it names, lists are whole.

Each page runs by itself in an empty folder that holds ``head.nii.gz`` (the MNI152 T1 where the page analyses it, else
a small synthetic scan) and ``study`` (two series). ``python`` blocks of a page share their names. In ``console`` blocks
the lines ``$ vesalius …`` run; the number under ``$ echo $?`` is the exit code of the command above it.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import typer.main

import vesalius
from vesalius import errors
from vesalius.cli import app, run

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FOREIGN = {"models import", "my-model"}  # commands on files that only the reader has


def blocks(page: Path) -> list[tuple[str, str]]:
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def commands(block: str) -> Iterator[tuple[list[str], int]]:
    """The words after ``$ vesalius`` and the exit code to expect."""
    lines = block.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("$ vesalius ") and not any(words in line for words in FOREIGN):
            asks = lines[number + 1 : number + 2] == ["$ echo $?"]
            yield shlex.split(line)[2:], int(lines[number + 2]) if asks else 0


def synthetic(path: Path) -> None:
    affine = np.array([[-0.9, 0.1, 0, 40], [0.1, 0.9, 0.2, -50], [0, -0.2, 1.5, -30], [0, 0, 0, 1]])
    voxels = np.random.default_rng(1).normal(100, 10, (24, 20, 16)).astype(np.float32)
    nib.save(nib.Nifti1Image(voxels, affine), path)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the scans that the pages speak of; it is the current one."""
    synthetic(tmp_path / "head.nii.gz")
    (tmp_path / "study").mkdir()
    for name in ("study/t1.nii.gz", "study/t2.nii.gz"):
        synthetic(tmp_path / name)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "head.nii.gz").symlink_to(tmp_path / "head.nii.gz")
    monkeypatch.chdir(tmp_path)
    return tmp_path


PAGES = [page for page in sorted(DOCS.rglob("*.md")) if blocks(page)]
ANALYSES = re.compile(r"vesalius analyze \S+ --out|vesalius demo|vs\.analyze\(\"|--model brain")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_the_page_does_what_it_says(page: Path, desk: Path, request: pytest.FixtureRequest) -> None:
    if any(ANALYSES.search(code) for _, code in blocks(page)):
        head = request.getfixturevalue("mni152")
        (desk / "head.nii.gz").unlink()
        (desk / "head.nii.gz").symlink_to(head)
    names: dict[str, object] = {"__name__": "docs"}
    for language, code in blocks(page):
        if language == "python":
            exec(compile(code, str(page), "exec"), names)  # our own documentation
            continue
        for arguments, expected in commands(code):
            assert run(arguments) == expected, arguments


def test_a_command_of_the_documentation_works_as_a_process(desk: Path) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["vesalius", "read", "study"], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.count("24 × 20 × 16") == 2


def test_every_verb_and_option_is_in_the_reference() -> None:
    page = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    group = typer.main.get_command(app)
    for name, verb in group.commands.items():  # type: ignore[attr-defined]
        section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert section, f"{name} has no section"
        inner = getattr(verb, "commands", {})
        assert all(f"vesalius {name} {word}" in section.replace("[", "").replace("]", "") for word in inner)
        for one in (verb, *inner.values()):
            options = {option for parameter in one.params for option in parameter.opts if option.startswith("--")}
            assert {option for option in options - {"--help"} if option not in section} == set()


def test_every_public_name_is_in_the_reference() -> None:
    page = (DOCS / "reference" / "python.md").read_text(encoding="utf-8")
    assert {name for name in vesalius.__all__ if f"vs.{name}" not in page} == set()


def test_the_error_tree_is_the_one_in_the_code() -> None:
    page = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    drawn = page.partition("```text\n")[2].partition("```")[0]
    assert all(f"    {line}" in str(errors.__doc__) for line in drawn.splitlines())
    assert drawn.count("Error") == str(errors.__doc__).partition("::")[2].count("Error")


def test_every_page_is_in_the_navigation_and_no_link_leads_nowhere() -> None:
    navigation = (DOCS.parent / "mkdocs.yml").read_text(encoding="utf-8")
    for page in DOCS.rglob("*.md"):
        assert f" {page.relative_to(DOCS).as_posix()}\n" in navigation
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
