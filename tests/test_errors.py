"""The tree that errors.py draws is the tree that it defines."""

from __future__ import annotations

import inspect
import re

from vesalius import errors

LINE = re.compile(r"^    (?P<stem>[│├└─ ]*)(?P<name>\w+Error)(?: +exit (?P<code>\d))?")


def drawn() -> dict[str, tuple[str, int]]:
    """Name → (parent's name, exit code) as the docstring draws it; an exit code holds for the branch below it."""
    tree: dict[str, tuple[str, int]] = {}
    path: list[tuple[str, int]] = []
    for line in (errors.__doc__ or "").splitlines():
        if found := LINE.match(line):
            depth = len(found["stem"]) // 4
            parent = path[depth - 1] if depth else ("Exception", 1)
            code = int(found["code"]) if found["code"] else parent[1]
            tree[found["name"]] = (parent[0], code)
            path[depth:] = [(found["name"], code)]
    return tree


def test_the_drawn_tree_is_the_defined_one() -> None:
    classes = [value for _, value in inspect.getmembers(errors, inspect.isclass)]
    defined = {c.__name__: (c.__bases__[0].__name__, c.exit_code) for c in classes}
    assert drawn() == defined
    assert len(defined) >= 15


def test_every_error_says_what_it_means() -> None:
    for name in drawn():
        assert inspect.getdoc(getattr(errors, name))
