"""The migrations in a folder: `0001_users.sql` and, to take it back, `0001_users.rollback.sql`."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROLLBACK = ".rollback"
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True)
class MigrationFile:
    path: Path

    @property
    def id(self) -> str:
        """As yoyo writes it down: `0001_users`."""
        return self.path.stem

    @property
    def number(self) -> str:
        return self.id.partition("_")[0]

    @property
    def rollback(self) -> Path:
        return self.path.with_name(f"{self.id}{ROLLBACK}.sql")

    @property
    def sha256(self) -> str:
        """Of the text, so the same for a checkout with other line ends."""
        return hashlib.sha256(self.path.read_text(encoding="utf-8").encode()).hexdigest()


def read(folder: Path) -> list[MigrationFile]:
    """In the order in which they are applied. Raises `FileNotFoundError`."""
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder} is missing: build the zip with `make build`, which puts migrations there."
        )
    return [
        MigrationFile(path)
        for path in sorted(folder.glob("*.sql"))
        if not path.stem.endswith(ROLLBACK)
    ]


def find(files: Sequence[MigrationFile], to: str) -> MigrationFile:
    """By id or by number. Raises `ValueError`."""
    found = [file for file in files if to in (file.id, file.number)]
    if len(found) > 1:
        raise ValueError(
            f"to: {to!r} may be {' or '.join(file.id for file in found)}. Give the whole name."
        )
    if not found:
        raise ValueError(f"to: {to!r} is none of {', '.join(file.id for file in files)}.")
    return found[0]


def holds_sql(path: Path) -> bool:
    """Whether there is more than comments in it, and it is there at all."""
    return path.is_file() and bool(
        _COMMENT.sub("", path.read_text(encoding="utf-8")).strip(" \t\r\n;")
    )
