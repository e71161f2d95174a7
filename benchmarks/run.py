"""``python benchmarks/run.py [NAME...]``: run benchmarks and write benchmarks/results/NAME.json.

A benchmark is a module here with ``run() -> dict`` (its figures) and, where it compares with other packages, their
names in ``PACKAGES``.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from benchmarks.harness import write_json  # noqa: E402  # found through the line above


def main(names: list[str]) -> int:
    """Run the named benchmarks, all by default, one after the other."""
    known = sorted(path.stem for path in HERE.glob("*.py") if "\ndef run(" in path.read_text(encoding="utf-8"))
    unknown = sorted(set(names) - set(known))
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    for name in names or known:
        module = importlib.import_module(f"benchmarks.{name}")
        results = module.run()
        path = HERE / "results" / f"{name}.json"
        write_json(path, results, getattr(module, "PACKAGES", ()))
        print(f"{name}: {path.relative_to(HERE.parent)}")
        print(json.dumps(results, indent=2, default=str))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
