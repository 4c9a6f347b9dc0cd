"""npm packages that tests compare us with, installed beside the test from its lock file."""

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

MINIMUM = 18


def install(folder: Path) -> None:
    """Run `npm ci` in `folder`, unless everything in its lock file is installed.

    Fail the test if Node is missing.
    """
    missing = [program for program in ("node", "npm") if shutil.which(program) is None]
    if missing:
        pytest.fail(
            f"{folder.name} cannot be tested without {' and '.join(missing)}: install Node.js {MINIMUM} or newer."
        )
    version = subprocess.run(
        ["node", "--version"], capture_output=True, text=True, check=True
    ).stdout.strip()
    if int(version.removeprefix("v").split(".")[0]) < MINIMUM:
        pytest.fail(f"Node.js {version} is too old for this test: install {MINIMUM} or newer.")
    with (folder / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # parallel test workers install into the same folder
        _install(folder, hashlib.sha256(lock.read()).hexdigest())


def _install(folder: Path, wanted: str) -> None:
    installed = (
        folder / "node_modules" / ".installed"
    )  # the lock file from which node_modules was installed
    if installed.exists() and installed.read_text() == wanted:
        return
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        pytest.fail(
            f"`npm ci` in {folder} failed; it needs the npm registry once:\n{done.stdout}{done.stderr}"
        )
    installed.write_text(wanted)
