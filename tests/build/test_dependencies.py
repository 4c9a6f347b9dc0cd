"""`make add-dependency` and `make remove-dependency`: all changes are made, or none."""

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.build.repository import REPOSITORY, CompletedCommand, lay_out
from tools.build.uv import uv

ENVIRONMENT = os.environ | {"UV": uv()}
GROUPS = """\
[project]
name = "small"
version = "0"
requires-python = ">=3.13,<3.14"

[dependency-groups]
# What is on this line stays.
dev = [
  { include-group = "kernel" },
  { include-group = "sdk" },
  { include-group = "migrate" },
]
kernel = ["six==1.17.0"]
sdk = ["jmespath==1.1.0"]
migrate = ["yoyo-migrations==9.0.0"]
runtime = []
uv = []
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepare a repository with a .venv of its own, locked and built."""
    root = lay_out(
        tmp_path_factory.mktemp("small"),
        {"pyproject.toml": GROUPS, "functions/atrium/greeting.py": ""},
    )
    for lock in (root / "requirements").iterdir():
        lock.unlink()
    (root / "tools").mkdir()
    shutil.copy(REPOSITORY / "tools/bootstrap.py", root / "tools")
    assert run(root, "tools.setup.lock").status == 0
    subprocess.run(
        [sys.executable, root / "tools/bootstrap.py"],
        env=ENVIRONMENT,
        check=True,
        capture_output=True,
    )
    assert run(root, "tools.build").status == 0
    return root


@pytest.fixture
def state(small: Path) -> Any:
    """Return the files, to check that a test leaves each as it was."""
    before = files(small)
    yield small
    assert files(small) == before


def test_without_a_service_a_dependency_is_in_the_layer_and_the_environment(small: Path) -> None:
    before = (small / "pyproject.toml").read_text()
    ran = change(small, "add", "idna>=3,<4")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        f"changed: {path}"
        for path in ("pyproject.toml", "requirements/dev.txt", "requirements/kernel.txt")
    ]
    assert declared(small)["kernel"] == ["six==1.17.0", "idna<4,>=3"]
    assert "# What is on this line stays." in (small / "pyproject.toml").read_text()
    assert (
        "--hash=sha256:" in (small / "requirements/kernel.txt").read_text().partition("idna==")[2]
    )
    for platform in ("arm64", "x86_64", "local"):
        assert "python/idna/core.py" in members(small, f"layer/{platform}/kernel")
    assert importable(small, "idna")
    assert change(small, "remove", "idna").status == 0
    assert (small / "pyproject.toml").read_text() == before
    assert "python/idna/core.py" not in members(small, "layer/local/kernel")
    assert not importable(small, "idna")


def test_with_a_service_a_dependency_is_only_in_its_zip_at_the_locked_version(small: Path) -> None:
    ran = change(small, "add", "tomli", "--service", "notes")
    assert (ran.status, ran.err) == (0, "")
    [pinned] = declared(small)["notes"]
    assert pinned.startswith("tomli==")
    assert {"include-group": "notes"} in declared(small)["dev"]
    assert (
        (small / "functions/notes/function.yaml")
        .read_text()
        .endswith("package:\n  requirements: notes\n")
    )
    assert "tomli/_parser.py" in members(small, "functions/notes")
    assert "python/tomli/_parser.py" not in members(small, "layer/local/kernel")
    assert importable(small, "tomli")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("",), "NAME='' names no package. Use NAME=httpx"),
        (("not a name",), "NAME='not a name' names no package."),
        (("six",), "pyproject.toml: kernel: six is declared there already."),
        (
            ("six", "--service", "keeper"),
            "six is in the kernel's layer, which every function has. Import it",
        ),
        (
            ("idna", "--service", "nobody"),
            "There is no service 'nobody'. SERVICE may be keeper, notes.",
        ),
        (("yoyo-migrations<9",), "uv found no compatible versions"),
        (("msgspec", "--service", "keeper"), "Without SERVICE it goes into the layer"),
    ],
)
def test_an_unavailable_dependency_changes_no_file(
    state: Path, options: tuple[str, ...], told: str
) -> None:
    ran = change(state, "add", *options)
    assert ran.status == 1
    assert told in ran.err
    assert ran.err.endswith("Nothing was changed.\n")
    assert ran.err.startswith("add-dependency: ")
    assert len(ran.err.splitlines()) == 1


def test_a_failed_installation_restores_the_files(state: Path) -> None:
    bootstrap = state / "tools/bootstrap.py"
    works = bootstrap.read_text()
    bootstrap.write_text("raise SystemExit('bootstrap: the disk is full')")
    try:
        ran = change(state, "add", "idna")
    finally:
        bootstrap.write_text(works)
    assert ran.status == 1
    assert "It cannot be installed in the local environment: bootstrap: the disk is full" in ran.err


def change(root: Path, what: str, *options: str) -> CompletedCommand:
    return run(root, "tools.setup.dependencies", what, *options)


def run(root: Path, module: str, *options: str) -> CompletedCommand:
    command = [sys.executable, "-m", module, *options, "--root", str(root)]
    ran = subprocess.run(
        command, cwd=REPOSITORY, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    return CompletedCommand(ran.returncode, ran.stdout, ran.stderr)


def declared(root: Path) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = tomllib.loads((root / "pyproject.toml").read_text())[
        "dependency-groups"
    ]
    return groups


def files(root: Path) -> dict[Path, bytes]:
    places = [
        root / "pyproject.toml",
        *(root / "requirements").iterdir(),
        *(root / "functions").rglob("*.yaml"),
    ]
    return {file: file.read_bytes() for file in [*places, *(root / "build").rglob("*.zip")]}


def members(root: Path, artefact: str) -> list[str]:
    return zipfile.ZipFile(root / f"build/{artefact}.zip").namelist()


def importable(root: Path, package: str) -> bool:
    return (
        subprocess.run(
            [root / ".venv/bin/python", "-c", f"import {package}"], capture_output=True
        ).returncode
        == 0
    )
