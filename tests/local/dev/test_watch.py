"""What counts as saved."""

import threading
import time
from pathlib import Path

import pytest

from local.dev.watch import SETTLE_SECONDS, Watch


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "users").mkdir()
    (tmp_path / "users/me.py").write_text("1")
    return tmp_path


def test_saved_added_and_removed_files_are_told_once(folder: Path) -> None:
    watch = Watch(folder)
    assert watch.changed() == set()
    (folder / "users/me.py").write_text("22")
    (folder / "users/new.py").write_text("")
    assert watch.changed() == {folder / "users/me.py", folder / "users/new.py"}
    assert watch.changed() == set()
    (folder / "users/new.py").unlink()
    assert watch.changed() == {folder / "users/new.py"}


def test_an_editor_that_renames_over_the_file_has_saved_it(folder: Path) -> None:
    watch = Watch(folder)
    (folder / "users/.me.py.swp").write_text("2")
    assert watch.changed() == set()
    (folder / "users/.me.py.swp").replace(folder / "users/me.py")
    assert watch.changed() == {folder / "users/me.py"}


@pytest.mark.parametrize("name", ["__pycache__/me.cpython-313.pyc", ".git/index", "me.py~", "#me.py#", "4913"])
def test_what_editors_and_python_leave_behind_is_not_a_save(folder: Path, name: str) -> None:
    watch = Watch(folder)
    (folder / "users" / name).parent.mkdir(exist_ok=True)
    (folder / "users" / name).write_text("")
    assert watch.changed() == set()


def test_a_file_written_in_steps_is_told_when_it_is_whole(folder: Path) -> None:
    watch = Watch(folder)
    file = folder / "users/me.py"
    file.write_text("")  # as an editor that truncates first
    writer = threading.Timer(SETTLE_SECONDS / 2, lambda: file.write_text("whole"))
    writer.start()
    assert watch.changed() == {file}
    assert file.read_text() == "whole"
    writer.join()
    time.sleep(SETTLE_SECONDS)
    assert watch.changed() == set()
