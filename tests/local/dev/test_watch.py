"""What counts as saved."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tools.laptop.dev import watch
from tools.laptop.dev.watch import SETTLE_SECONDS, Watch


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "users").mkdir()
    (tmp_path / "users/me.py").write_text("1")
    return tmp_path


def test_saved_added_and_removed_files_are_told_once(folder: Path) -> None:
    watched = Watch(folder)
    assert watched.changed() == set()
    (folder / "users/me.py").write_text("22")
    (folder / "users/new.py").write_text("")
    assert watched.changed() == {folder / "users/me.py", folder / "users/new.py"}
    assert watched.changed() == set()
    (folder / "users/new.py").unlink()
    assert watched.changed() == {folder / "users/new.py"}


def test_an_editor_that_renames_over_the_file_has_saved_it(folder: Path) -> None:
    watched = Watch(folder)
    (folder / "users/.me.py.swp").write_text("2")
    assert watched.changed() == set()
    (folder / "users/.me.py.swp").replace(folder / "users/me.py")
    assert watched.changed() == {folder / "users/me.py"}


@pytest.mark.parametrize("name", ["__pycache__/me.cpython-313.pyc", ".git/index", "me.py~", "#me.py#", "4913"])
def test_what_editors_and_python_leave_behind_is_not_a_save(folder: Path, name: str) -> None:
    watched = Watch(folder)
    (folder / "users" / name).parent.mkdir(exist_ok=True)
    (folder / "users" / name).write_text("")
    assert watched.changed() == set()


def test_a_file_written_in_steps_is_told_when_it_is_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps, waited = ["half", "whole and well"], list[float]()

    def sleep(seconds: float) -> None:
        """In which the editor writes on."""
        waited.append(seconds)
        if steps:
            file.write_text(steps.pop(0))

    monkeypatch.setattr(watch, "time", SimpleNamespace(sleep=sleep))
    file, watched = folder / "users/me.py", Watch(folder)
    file.write_text("")  # as an editor that truncates first
    assert watched.changed() == {file}
    assert file.read_text() == "whole and well"
    assert waited == [SETTLE_SECONDS] * 3, "twice it was another, and then the same"
    assert watched.changed() == set()
