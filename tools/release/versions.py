"""`make version TO=0.2.0`: a version for the changes under *Unreleased*.

It is written to CHANGELOG.md and pyproject.toml. Versions follow SemVer. Before 1.0 a breaking
change needs a new minor version, after it a new major one. A change is breaking if its line in
CHANGELOG.md has the word *Breaking* or stands under *Removed*.
"""

import argparse
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from tools import ROOT
from tools.deploy import command
from tools.deploy.errors import RefusedError

CHANGELOG, PROJECT = "CHANGELOG.md", "pyproject.toml"
UNRELEASED = "## [Unreleased]"
VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
PROJECT_VERSION = re.compile(r'^version = "(.+)"$', re.MULTILINE)
BREAKING = re.compile(r"\bBreaking\b|^### Removed", re.MULTILINE)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.release.versions", description=__doc__)
    parser.add_argument("version", help="such as 0.2.0")
    version = parser.parse_args().version.removeprefix("v")
    return command.run("version", lambda: release(ROOT, version))


def release(root: Path, version: str, today: str = "") -> None:
    """Write the version. Raise RefusedError, before anything is written, if it cannot be."""
    changelog, project = root / CHANGELOG, root / PROJECT
    text, before = changelog.read_text(), project.read_text()
    found = PROJECT_VERSION.search(before)
    current = found[1] if found else "0.0.0"
    _require(version, current, text)
    date = today or f"{datetime.now(UTC):%Y-%m-%d}"
    changelog.write_text(text.replace(UNRELEASED, f"{UNRELEASED}\n\n## [{version}] - {date}", 1))
    project.write_text(PROJECT_VERSION.sub(f'version = "{version}"', before, count=1))
    print(
        f"{current} → {version}. Next: make docs (the modules' READMEs name the version), read CHANGELOG.md, commit, then\n"
        f"  git tag -a v{version} -m v{version} && git push origin v{version}"
    )


def _require(version: str, current: str, changelog: str) -> None:
    if not VERSION.fullmatch(version):
        raise RefusedError(f"TO={version} is not a version, such as 0.2.0.")
    if f"## [{version}]" in changelog:
        raise RefusedError(f"{version} is released already: {CHANGELOG} has it.")
    changes = section(changelog, "Unreleased")
    if not re.search(r"^- ", changes, re.MULTILINE):
        raise RefusedError(f"nothing is unreleased: {CHANGELOG} has no line under {UNRELEASED}.")
    new, old = parts(version), parts(current)
    first = f"## [{current}]" not in changelog
    if new < old or (new == old and not first):
        raise RefusedError(f"TO={version} must be higher than {current}.")
    if BREAKING.search(changes) and not first and new[:2] == old[:2]:
        raise RefusedError(
            f"{CHANGELOG} has breaking changes, so {version} must be a new {'major' if old[0] else 'minor'} version."
        )
    if BREAKING.search(changes) and old[0] and new[0] == old[0]:
        raise RefusedError(
            f"{CHANGELOG} has breaking changes, so {version} must be a new major version."
        )


def parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def section(changelog: str, name: str) -> str:
    """Return the text of a version in the changelog. Raise RefusedError if there is none."""
    found = re.search(
        rf"^## \[{re.escape(name)}\][^\n]*\n(.*?)(?=^## \[|\Z)", changelog, re.MULTILINE | re.DOTALL
    )
    if found is None:
        raise RefusedError(f"{CHANGELOG} has no section {name}. Run make version first.")
    return found[1].strip()


if __name__ == "__main__":
    sys.exit(main())
