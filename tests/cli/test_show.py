"""Tables, JSON and sizes."""

from __future__ import annotations

import json

import pytest

from vesalius.cli.show import as_json, size, table


def test_columns_line_up() -> None:
    assert table([("name", "volume"), ("hippocampus", "3.1"), ("x", "")]) == "name         volume\nhippocampus  3.1\nx"


def test_json_keeps_letters_and_refuses_what_is_no_json() -> None:
    assert json.loads(as_json({"ä": [1.5]})) == {"ä": [1.5]}
    assert "ä" in as_json({"ä": 1})
    with pytest.raises(ValueError, match="JSON"):
        as_json(float("nan"))


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (25e6, "25 MB"), (25.3e9, "25.3 GB")]
)
def test_sizes_in_words(count: float, text: str) -> None:
    assert size(count) == text
