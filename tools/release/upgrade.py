"""`make upgrade FROM=<remote or path> TO=v0.2.0`: take a release of Atrium into a fork.

The changes between the fork's release and the new one are applied to the fork's files by three-way
merge, so it works for clones and for copies without history. Nothing is committed. A new migration
of Atrium gets a number after the fork's own, which may be applied already.
"""

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tools import ROOT
from tools.deploy import command
from tools.deploy.errors import RefusedError
from tools.release import versions

MIGRATION = re.compile(r"migrations/(\d{4})_(\w+?)(\.rollback)?\.sql")
BASE, TARGET = "refs/atrium/base", "refs/atrium/target"


@dataclass(frozen=True)
class Fork:
    """The fork's checkout."""

    root: Path

    def git(self, *arguments: str, stdin: bytes | None = None, refused: bool = False) -> str:
        """Run git and return its output. Raise RefusedError if it fails, unless failure is allowed."""
        done = subprocess.run(["git", *arguments], cwd=self.root, input=stdin, capture_output=True)
        if done.returncode and not refused:
            raise RefusedError(f"git {arguments[0]} failed: {done.stderr.decode().strip()}")
        return done.stdout.decode(errors="surrogateescape")

    def migrations(self, tree: str) -> set[str]:
        """Return the names of a tree's migrations without their rollbacks: 0001_users."""
        names = self.git("ls-tree", "-r", "--name-only", tree, "--", "migrations").splitlines()
        return {f"{found[1]}_{found[2]}" for name in names if (found := MIGRATION.fullmatch(name))}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.release.upgrade", description=__doc__)
    parser.add_argument("source", help="a remote, an address or a folder of Atrium")
    parser.add_argument("tag", help="the release, such as v0.2.0")
    options = parser.parse_args()
    return command.run("upgrade", lambda: upgrade(Fork(ROOT), options.source, options.tag))


def upgrade(fork: Fork, source: str, tag: str) -> None:
    """Apply a release to the fork's files.

    Raise RefusedError if the release cannot be applied, or if files conflict.
    """
    if fork.git("status", "--porcelain", "--untracked-files=no"):
        raise RefusedError("there are changes that are not committed. Commit or stash them first.")
    if not source or not re.fullmatch(r"v\d+\.\d+\.\d+", tag):
        raise RefusedError(
            f"FROM={source} TO={tag} names no release: make upgrade FROM=<remote or path> TO=v0.2.0"
        )
    current = _current(fork.root)
    if tag == current:
        print(f"the fork is at {tag} already.")
        return
    if versions.parts(tag.removeprefix("v")) < versions.parts(current.removeprefix("v")):
        raise RefusedError(f"{tag} is older than {current}, the release of this fork.")
    _fetch(fork, source, current, BASE)
    _fetch(fork, source, tag, TARGET)
    own = fork.migrations("HEAD") - fork.migrations(BASE)
    added = fork.migrations(TARGET) - fork.migrations(BASE)
    patch = fork.git("diff", "--binary", "--full-index", BASE, TARGET)
    fork.git(
        "apply", "--3way", "--index", stdin=patch.encode(errors="surrogateescape"), refused=True
    )
    moved = _renumber(fork, own, added)
    conflicts = fork.git("diff", "--name-only", "--diff-filter=U").splitlines()
    if conflicts:
        raise RefusedError(_explained(tag, conflicts))
    if _current(fork.root) != tag:
        raise RefusedError(
            f"{tag} could not be applied, and nothing was changed. Does the fork have the files of {current}?"
        )
    print("\n".join([f"{current} → {tag}, staged.", *moved, *_next(fork)]))


def _current(root: Path) -> str:
    found = versions.PROJECT_VERSION.search((root / versions.PROJECT).read_text())
    if found is None:
        raise RefusedError(f"{versions.PROJECT} has no version, so the fork's release is unknown.")
    return f"v{found[1]}"


def _fetch(fork: Fork, source: str, tag: str, to: str) -> None:
    fork.git("fetch", "--quiet", "--no-tags", source, f"+refs/tags/{tag}:{to}")


def _renumber(fork: Fork, own: set[str], added: set[str]) -> list[str]:
    """Give new migrations of Atrium numbers after the fork's own; return what was renamed."""
    if not own or not added or min(map(_number, added)) > max(map(_number, own)):
        return []
    number = max(map(_number, own | fork.migrations("HEAD")))
    lines = []
    for name in sorted(added):
        number += 1
        new = f"{number:04}{name[4:]}"
        for ending in (".sql", ".rollback.sql"):
            fork.git("mv", f"migrations/{name}{ending}", f"migrations/{new}{ending}")
            path = fork.root / f"migrations/{new}{ending}"
            path.write_text(path.read_text().replace(f"{name}.sql", f"{new}.sql"))
            fork.git("add", f"migrations/{new}{ending}")
        lines.append(f"  migrations/{name}.sql is {new}.sql here, after this fork's own.")
    return lines


def _number(migration: str) -> int:
    return int(migration[:4])


def _explained(tag: str, conflicts: list[str]) -> str:
    return "\n".join(
        [
            f"{tag} is applied, except for conflicts in these files:",
            *(f"  {name}" for name in conflicts),
            "Solve them (git mergetool, git add), then run make check and commit. `git reset --hard` undoes everything.",
        ]
    )


def _next(fork: Fork) -> list[str]:
    files = fork.git("diff", "--cached", "--name-only").splitlines()
    steps = ["Next: read CHANGELOG.md, make check, commit."]
    if any(name.startswith("envs/bootstrap/") for name in files):
        steps.append(
            "envs/bootstrap has changed: an administrator runs make bootstrap before the next deploy."
        )
    if any(MIGRATION.fullmatch(name) for name in files):
        steps.append("There are new migrations: make migrate-plan ENV=… shows them.")
    return steps


if __name__ == "__main__":
    sys.exit(main())
