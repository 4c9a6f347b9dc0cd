"""The file watch: which changes count as a saved file."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tools.laptop.dev.watch import saved

LOOKS = 300
"""Repetitions of LOOK_MS: a minute in total."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "users").mkdir()
    (tmp_path / "users/me.py").write_text("1")
    (tmp_path / "users/__pycache__").mkdir()
    (tmp_path / "users/.git").mkdir()
    return tmp_path


@pytest.fixture
def saves(folder: Path) -> Iterator[set[Path]]:
    """Return the watch after its start."""
    watch = saved(folder)
    while next(watch):  # the fixture's own files may still be reported
        pass
    return watch


def told(saves: Iterator[set[Path]], last: Path) -> set[Path]:
    """Return all reports up to that of the last saved file."""
    found: set[Path] = set()
    for files in islice(saves, LOOKS):
        found |= files
        if last in found:
            return found
    raise AssertionError(f"{last} was not reported, only {found}")


def test_saved_added_and_removed_files_are_reported(
    folder: Path, saves: Iterator[set[Path]]
) -> None:
    changed, new = folder / "users/me.py", folder / "users/new.py"
    changed.write_text("22")
    new.write_text("")
    assert told(saves, new) == {changed, new}
    new.unlink()
    assert told(saves, new) == {new}


def test_a_file_in_a_new_folder_is_reported(folder: Path, saves: Iterator[set[Path]]) -> None:
    (folder / "parcels").mkdir()
    assert told(saves, folder / "parcels") == {folder / "parcels"}
    (folder / "parcels/handler.py").write_text("1")
    assert told(saves, folder / "parcels/handler.py") == {folder / "parcels/handler.py"}


def test_a_rename_over_the_file_counts_as_a_save(folder: Path, saves: Iterator[set[Path]]) -> None:
    (folder / "users/.me.py.swp").write_text("2")
    (folder / "users/.me.py.swp").replace(folder / "users/me.py")
    assert told(saves, folder / "users/me.py") == {folder / "users/me.py"}


@pytest.mark.parametrize(
    "name", ["__pycache__/me.cpython-313.pyc", ".git/index", "me.py~", "#me.py#", "4913"]
)
def test_files_of_editors_and_of_python_are_ignored(
    folder: Path, saves: Iterator[set[Path]], name: str
) -> None:
    (folder / "users" / name).write_text("")
    (folder / "users/last.py").write_text("")
    assert told(saves, folder / "users/last.py") == {folder / "users/last.py"}
