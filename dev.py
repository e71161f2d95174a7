#!/usr/bin/env python3
"""Two commands that need Python 3.11 and nothing else; each creates what it needs in .venv.

python3 dev.py demo [OPTIONS]      install Vesalius and run `vesalius demo`: a real head MRI, its brain, a page
python3 dev.py test                install what the tests need; lint, types, import contracts, tests with coverage
python3 dev.py test tests/io -x    only pytest, with these arguments
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if sys.platform == "win32" else "bin")
OLDEST = (3, 11)

NEEDED = {
    "demo": ["--editable", ".[demo]"],
    "test": ["--editable", ".[all]", "--group", "dev", "--group", "docs", "--group", "peers"],
}

CHECKS = [
    ["ruff", "check", "."],
    ["ruff", "format", "--check", "."],
    ["mypy"],
    ["lint-imports"],
    ["mkdocs", "build", "--strict", "--quiet"],
    ["pytest", "--cov", "--cov-report=term:skip-covered"],
]


def main(arguments: list[str]) -> int:
    """Run one of the two commands; the exit code is the first that is not 0."""
    if not arguments or arguments[0] not in NEEDED:
        print(__doc__.strip(), file=sys.stderr)
        return 0 if arguments and arguments[0] in ("-h", "--help") else 2
    command, extra = arguments[0], arguments[1:]
    problem = install(command)
    if problem:
        print(f"dev.py: {problem}", file=sys.stderr)
        return 1
    if command == "demo":
        return run(["vesalius", "demo", *extra])
    if extra:
        return run(["pytest", *extra])
    failed = [check for check in CHECKS if run(check) != 0]
    for check in failed:
        print(f"dev.py: failed: {' '.join(check)}", file=sys.stderr)
    return 1 if failed else 0


def run(command: list[str]) -> int:
    """Run a command that .venv has, from the root of the project."""
    print("+ " + " ".join(command), file=sys.stderr, flush=True)
    try:
        return subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, check=False).returncode
    except KeyboardInterrupt:
        return 1


def install(command: str) -> str | None:
    """Make .venv hold what ``command`` needs, unless it does already; returns the sentence about what is in the way."""
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + sys.version.encode()).hexdigest()
    stamp = VENV / f"{command}.stamp"
    if stamp.is_file() and stamp.read_text() == wanted:
        return None
    uv = shutil.which("uv")
    problem = None if uv else missing()
    if problem:
        return problem
    steps = with_uv(uv, NEEDED[command]) if uv else with_pip(NEEDED[command])
    # What is installed from the checkout itself comes uncompiled; without this its first run would be its slowest.
    compiled = [str(BIN / "python"), "-m", "compileall", "-q", "src"]
    for step in [*steps, compiled]:
        print("+ " + " ".join(step), file=sys.stderr, flush=True)
        if subprocess.run(step, cwd=ROOT, check=False).returncode != 0:
            return "the installation failed, see above; when that is put right, run the same command again"
    stamp.write_text(wanted)
    return None


def missing() -> str | None:
    """What this Python lacks to make a virtual environment, and what to do about it."""
    if sys.version_info < OLDEST:
        return (
            f"Vesalius needs Python 3.11 or newer and this is {sys.version.split()[0]}; "
            "install a newer one beside it and run this file with that, as in: python3.11 dev.py demo"
        )
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        return "this Python cannot make virtual environments; on Debian and Ubuntu run: apt-get install python3-venv"
    return None


def with_uv(uv: str, packages: list[str]) -> list[list[str]]:
    """The steps of an installation by uv, which finds or fetches a Python of its own where this one is too old."""
    python = sys.executable if sys.version_info >= OLDEST else ">=3.11"
    create = [uv, "venv", "--allow-existing", "--python", python, str(VENV)]
    return [create, [uv, "pip", "install", "--compile-bytecode", "--python", str(BIN / "python"), *packages]]


def with_pip(packages: list[str]) -> list[list[str]]:
    """The steps of an installation by pip; dependency groups need pip 25.1."""
    pip = [str(BIN / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
    return [[sys.executable, "-m", "venv", str(VENV)], [*pip, "--upgrade", "pip>=25.1"], [*pip, *packages]]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
