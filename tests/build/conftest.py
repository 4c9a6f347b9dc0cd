"""Two builds of the small repository, made once for all tests."""

import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.build.repository import finish, lay_out, start


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two repositories built from nothing: all of the first, and what a laptop needs of the second.

    Everything around the second differs: folder, umask, time zone, locale, hash seed, and the age of the files.
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
    """A folder with the content of an artefact of the first build."""

    def unpack(artefact: str) -> Path:
        folder = tmp_path_factory.mktemp(Path(artefact).stem)
        with zipfile.ZipFile(built[0] / "build" / artefact) as zipped:
            zipped.extractall(folder)
        return folder

    return unpack


@pytest.fixture
def again(built: tuple[Path, Path], tmp_path: Path) -> Path:
    """A copy of what is already built, with its dates."""
    return shutil.copytree(built[1], tmp_path / "again")
