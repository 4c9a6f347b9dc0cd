"""A copy of this checkout in which `make new-service NAME=zeppelins` has run.

No real service has this name; one called parcels may exist from the README's example.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from local_aws.settings import Settings
from local_aws.supervisor.ports import free_ports
from tests.failures.stack import Stack
from tools.bootstrap import RUNTIME

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
# The copy uses this checkout's environment; another one would take half a minute.
MAKE = ("make", "--silent", "-o", "environment", f"PYTHON={sys.executable}")
STATE = ".local-zeppelins"


@dataclass(frozen=True)
class Checkout:
    """A checkout with the builds and caches of this one. `environment` names its stack."""

    root: Path
    environment: Mapping[str, str]

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=self.root, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(tmp_path_factory.mktemp("checkout"), STATE, *free_ports())


@pytest.fixture(scope="session")
def checkout(settings: Settings) -> Checkout:
    """Return the copy with the new service."""
    root = settings.root
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, os.fsdecode(listed.stdout).split("\0")):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    for folder in ("build", ".mypy_cache"):
        if (ROOT / folder).is_dir():
            shutil.copytree(ROOT / folder, root / folder)
    (root / ".venv").mkdir()
    (root / ".venv/lambda-runtime").symlink_to(RUNTIME)
    made = Checkout(root, Stack.of(STATE, (settings.api_port, settings.aws_port)).environment)
    made.run("git", "init", "--quiet")
    made.run("git", "add", "--all")
    author = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    made.run("git", *author, "commit", "--quiet", "--no-verify", "-m", "As it was")
    made.run(*MAKE, "new-service", "NAME=zeppelins")
    return made
