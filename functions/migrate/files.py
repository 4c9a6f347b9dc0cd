"""The migrations in a folder: `0001_users.sql` and its rollback `0001_users.rollback.sql`."""

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
        """Return the id in yoyo's history: `0001_users`."""
        return self.path.stem

    @property
    def number(self) -> str:
        return self.id.partition("_")[0]

    @property
    def rollback(self) -> Path:
        return self.path.with_name(f"{self.id}{ROLLBACK}.sql")

    @property
    def sha256(self) -> str:
        """Return the hash of the text, which does not depend on line ends."""
        return hashlib.sha256(self.path.read_text(encoding="utf-8").encode()).hexdigest()


def read(folder: Path) -> list[MigrationFile]:
    """Return the migrations in the order of application. Raises `FileNotFoundError`."""
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
    """Return a migration by its id or number. Raises `ValueError`."""
    found = [file for file in files if to in (file.id, file.number)]
    if len(found) > 1:
        raise ValueError(
            f"to: {to!r} is ambiguous: {' or '.join(file.id for file in found)}. Give the whole name."
        )
    if not found:
        raise ValueError(f"to: {to!r} must be one of {', '.join(file.id for file in files)}.")
    return found[0]


def holds_sql(path: Path) -> bool:
    """Return True if the file exists and has more than comments."""
    return path.is_file() and bool(
        _COMMENT.sub("", path.read_text(encoding="utf-8")).strip(" \t\r\n;")
    )
