"""Two builds of the small repository, shared by all tests."""

import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.build.repository import finish, lay_out, start


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Build two repositories from nothing: the first completely, the second for a laptop.

    They differ in folder, umask, time zone, locale, hash seed, and the age of the files.
    """
    first = lay_out(tmp_path_factory.mktemp("first"))
    second = lay_out(tmp_path_factory.mktemp("second") / "a longer name")
    for file in second.rglob("*"):
        os.utime(file, (1, 1))
    elsewhere = {
        "TZ": "Pacific/Kiritimati",
        "LC_ALL": "C",
        "PYTHONHASHSEED": "7",
        "PYTHONOPTIMIZE": "1",
    }
    builds = [start(first), start(second, "--local", umask=0o077, **elsewhere)]
    for build in map(finish, builds):
        assert build.status == 0, build.err
    return first, second


@pytest.fixture(scope="session")
def unpacked(
    built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Return a folder with the content of an artefact of the first build."""

    def unpack(artefact: str) -> Path:
        folder = tmp_path_factory.mktemp(Path(artefact).stem)
        with zipfile.ZipFile(built[0] / "build" / artefact) as zipped:
            zipped.extractall(folder)
        return folder

    return unpack


@pytest.fixture
def again(built: tuple[Path, Path], tmp_path: Path) -> Path:
    """Copy the first repository with its artefacts and their dates."""
    return shutil.copytree(built[1], tmp_path / "again")
