"""A separate checkout that uses the running stack, so that tests can change files."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.deploy import stack_settings

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("build", "functions", "migrations", "packages", "requirements", "tools")
LINKED = ("envs", "modules")


@dataclass(frozen=True)
class Checkout:
    folder: Path

    def start(self, command: str, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
        """Start `python -m tools.<…>.<command>`, as the Makefile does."""
        folder = "deploy" if command == "release" else "operations"
        return subprocess.Popen(
            [sys.executable, "-m", f"tools.{folder}.{command}", *arguments],
            cwd=self.folder,
            env=os.environ | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: str, *arguments: str, **variables: str) -> tuple[int, str]:
        """Run a command. Return its exit status and output."""
        process = self.start(command, *arguments, **variables)
        said = process.communicate(timeout=900)[0]
        return process.returncode, said

    def change(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        before = path.read_text()
        assert old in before
        path.write_text(before.replace(old, new))


def checkout(folder: Path) -> Checkout:
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, symlinks=True)
    for name in LINKED:
        (folder / name).symlink_to(ROOT / name)
    state = stack_settings.from_environment().state
    (folder / state.name).symlink_to(state)
    return Checkout(folder)
