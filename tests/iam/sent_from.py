"""Reports of statements that would have pinned a session, with the line of ours that sends them."""

from collections.abc import Iterator
from pathlib import Path

from local_aws.database.pinning import Pinned

SOURCES = ("functions", "migrations", "tools")


def report(root: Path, pinned: Pinned) -> str:
    where = ", ".join(_places(root, pinned.sql)) or "made from parts: look for its first words"
    return f"{pinned.user} sent what {pinned.reason}, from {where}:\n  {pinned.sql[:500]}"


def _places(root: Path, sql: str) -> Iterator[str]:
    """Return the lines of our sources that contain the statement's first line."""
    first = sql.strip().splitlines()[0].strip()
    for folder in SOURCES:
        for file in sorted((root / folder).rglob("*")):
            if file.suffix in (".py", ".sql"):
                for number, line in enumerate(file.read_text().splitlines(), 1):
                    if first and first in line:
                        yield f"{file.relative_to(root)}:{number}"
