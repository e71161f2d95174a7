import errno
import os
from pathlib import Path

import pytest

from vesalius.aside import aside, aside_folder, write_error
from vesalius.errors import NotEnoughDiskError, OutputError


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def write_and_fail(path: Path, failure: BaseException | type[BaseException]) -> None:
    path.write_text("half")
    raise failure


def test_the_file_appears_only_when_it_is_whole(tmp_path):
    target = tmp_path / "out.nii.gz"
    with aside(target) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.name.startswith(".")
        assert temporary.name.endswith("out.nii.gz")
        temporary.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"
    assert names(tmp_path) == {"out.nii.gz"}


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ValueError, MemoryError])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, failure):
    target = tmp_path / "out.nii"
    target.write_text("old")
    with pytest.raises(failure), aside(target) as temporary:
        write_and_fail(temporary, failure)
    assert target.read_text() == "old"
    assert names(tmp_path) == {"out.nii"}


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    real, link = tmp_path / "real" / "a.nii", tmp_path / "b.nii"
    real.write_text("old")
    link.symlink_to(real)
    with aside(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_a_folder_or_a_missing_folder_is_no_place_for_a_file(tmp_path):
    with pytest.raises(OutputError, match="is a folder"), aside(tmp_path):
        pass
    target = tmp_path / "missing" / "out.nii"
    with pytest.raises(OutputError, match=r"out\.nii cannot be written: No such file"), aside(target) as temporary:
        temporary.write_text("x")
    (tmp_path / "file").write_text("")
    under_file = tmp_path / "file" / "out.nii"
    with pytest.raises(OutputError, match="Not a directory"), aside(under_file) as temporary:
        temporary.write_text("x")


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, NotEnoughDiskError),
        (errno.EDQUOT, NotEnoughDiskError),
        (errno.EROFS, OutputError),
        (errno.EACCES, OutputError),
        (errno.EIO, OutputError),
    ],
)
def test_errors_of_the_system_become_ours(tmp_path, number, kind):
    target = tmp_path / "out.nii"
    with pytest.raises(kind, match=r"out\.nii"), aside(target) as temporary:
        write_and_fail(temporary, OSError(number, os.strerror(number)))
    assert names(tmp_path) == set()


def test_a_full_device_is_a_full_disk(tmp_path):
    with pytest.raises(NotEnoughDiskError, match="no room left"), aside(tmp_path / "out.nii"):
        Path("/dev/full").write_text("x")


def test_without_an_error_number_the_room_that_is_left_decides(tmp_path, monkeypatch):
    complaint = RuntimeError("failed to write to file")
    assert isinstance(write_error(tmp_path / "a", complaint), OutputError)
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    assert isinstance(write_error(tmp_path / "a", complaint), NotEnoughDiskError)


def test_a_new_folder_appears_whole(tmp_path):
    target = tmp_path / "out"
    with aside_folder(target) as temporary:
        (temporary / "deep").mkdir()
        (temporary / "deep" / "a.txt").write_text("a")
        assert not target.exists()
    assert names(tmp_path) == {"out", "out/deep", "out/deep/a.txt"}


def test_an_old_folder_keeps_its_other_files(tmp_path):
    target = tmp_path / "out"
    target.mkdir()
    (target / "mine.txt").write_text("mine")
    (target / "report.json").write_text("old")
    with aside_folder(target) as temporary:
        for name in ("report.json", "a.txt", "z.txt"):
            (temporary / name).write_text("new")
        assert (target / "report.json").read_text() == "old"
    assert names(target) == {"mine.txt", "report.json", "a.txt", "z.txt"}
    assert (target / "mine.txt").read_text() == "mine"
    assert (target / "report.json").read_text() == "new"


def test_the_report_comes_last(tmp_path, monkeypatch):
    target = tmp_path / "out"
    target.mkdir()
    moved = []
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda self, to: (moved.append(self.name), replace(self, to))[1])
    with aside_folder(target) as temporary:
        for name in ("report.json", "a.txt", "z.txt"):
            (temporary / name).write_text("")
    assert sorted(moved) == ["a.txt", "report.json", "z.txt"]
    assert moved[-1] == "report.json"


@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize("failure", [KeyboardInterrupt, RuntimeError])
def test_a_failure_leaves_no_folder(tmp_path, existing, failure):
    target = tmp_path / "out"
    if existing:
        target.mkdir()
    with pytest.raises(failure), aside_folder(target) as temporary:
        write_and_fail(temporary / "a.txt", failure)
    assert names(tmp_path) == ({"out"} if existing else set())


def test_a_file_is_no_place_for_a_folder(tmp_path):
    (tmp_path / "file").write_text("precious")
    for target in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(OutputError, match="file"), aside_folder(target):
            pytest.fail("the work began though its result has no place")
    assert (tmp_path / "file").read_text() == "precious"
