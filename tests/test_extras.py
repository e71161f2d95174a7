"""Optional packages: there, absent, and broken inside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vesalius.errors import MissingExtraError
from vesalius.extras import require


def test_a_package_that_is_there_is_handed_out() -> None:
    assert require("json", "view") is json
    assert require("json.decoder", "view") is json.decoder


def test_an_absent_package_is_a_sentence_with_the_command_that_installs_it() -> None:
    with pytest.raises(MissingExtraError, match=r"'no_such_package'.*pip install 'vesalius\[view\]'") as caught:
        require("no_such_package.part", "view")
    assert caught.value.exit_code == 2


def test_a_package_that_lacks_one_of_its_own_is_not_called_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_installed.py").write_text("import its_own_dependency\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="its_own_dependency") as caught:
        require("half_installed", "view")
    assert not isinstance(caught.value, MissingExtraError)
