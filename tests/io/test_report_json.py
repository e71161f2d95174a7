from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from reports import report
from vesalius.errors import InputError, OutputError
from vesalius.io.report_json import read_report_json, report_schema, write_report_json, write_scores_json
from vesalius.results import Scores

PUBLISHED = Path(__file__).parents[2] / "docs" / "reference" / "report.schema.json"


def test_published_schema_is_the_one_in_use():
    assert json.loads(PUBLISHED.read_text()) == report_schema(), (
        "write it anew: python -c 'import json; from vesalius.io.report_json import report_schema; "
        f"print(json.dumps(report_schema(), indent=2))' > {PUBLISHED}"
    )


def test_a_report_obeys_the_schema_and_a_changed_one_does_not(tmp_path):
    write_report_json(report(), tmp_path / "report.json")
    validator = jsonschema.Draft202012Validator(report_schema())
    validator.check_schema(report_schema())
    written = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    validator.validate(written)
    for key, value in (("unknown", 1), ("measurements", {"brain": {}}), ("created", None)):
        assert not validator.is_valid({**written, key: value})


def test_round_trip(tmp_path):
    original = report()
    original.scores = dict(Scores({"Gehirn ü 脑": 0.25}))
    write_report_json(original, tmp_path / "report.json")
    assert read_report_json(tmp_path / "report.json").model_dump() == original.model_dump()
    text = (tmp_path / "report.json").read_bytes().decode("utf-8")
    assert "Gehirn ü 脑" in text
    assert text.startswith('{\n  "report_version"')
    assert text.endswith("}\n")


def test_the_same_report_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_report_json(report(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no json", "not a report"),
        (b"{}", "created: Field required"),
        (b'{"created": "', "not a report"),
    ],
)
def test_what_is_no_report(tmp_path, content, words):
    path = tmp_path / "report.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_report_json(path)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_report_json(tmp_path / "report.json")


def test_another_major_version(tmp_path):
    write_report_json(report().model_copy(update={"report_version": "2.0"}), tmp_path / "report.json")
    with pytest.raises(InputError, match=r"version 2\.0"):
        read_report_json(tmp_path / "report.json")


def test_unwritable_place(tmp_path):
    with pytest.raises(OutputError):
        write_report_json(report(), tmp_path / "missing" / "report.json")


def test_scores_alone(tmp_path):
    scores = Scores({"Gehirn ü 脑": 0.1 + 0.2, "b": 1e-17})
    write_scores_json(scores, tmp_path / "scores.json")
    text = (tmp_path / "scores.json").read_text(encoding="utf-8")
    assert json.loads(text) == dict(scores)
    assert "Gehirn ü 脑" in text
    with pytest.raises(OutputError):
        write_scores_json(scores, tmp_path / "missing" / "scores.json")
