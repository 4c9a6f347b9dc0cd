"""The history of a database, compared with the migrations of this build. It only reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from atrium.stores.pipeline import ServerError, Statement
from atrium.stores.postgres import DatabaseUnavailableError
from migrate.connection import Connection
from migrate.files import MigrationFile

CONTENT = "sha256:"
"""The prefix of a log entry's comment that holds the hash of the applied file.

yoyo's own hash is of the name only.
"""

# A role without access to the schema also sees no table. Then nothing was applied, because the
# first migration grants the access.
_THERE = (
    "SELECT to_regclass('_yoyo_migration') IS NOT NULL AND to_regclass('_yoyo_log') IS NOT NULL"
)
_APPLIED = """
SELECT migration_id, applied_at_utc, (
    SELECT comment FROM _yoyo_log
    WHERE _yoyo_log.migration_hash = _yoyo_migration.migration_hash AND operation IN ('apply', 'mark')
    ORDER BY created_at_utc DESC LIMIT 1
) FROM _yoyo_migration ORDER BY applied_at_utc, migration_id
"""
READERS_MAY = "GRANT SELECT ON _yoyo_migration, _yoyo_log TO readonly"


@dataclass(frozen=True)
class Applied:
    id: str
    at: datetime
    sha256: str | None  # None: applied by a release that did not record it


@dataclass(frozen=True)
class Edited:
    file: MigrationFile
    applied_sha256: str

    def explained(self) -> str:
        return (
            f"migrations/{self.file.path.name} was edited after it was applied: sha256 {self.applied_sha256} was "
            f"applied, this build has {self.file.sha256}. Put the applied text back (`git log -p "
            f"migrations/{self.file.path.name}`) and write the change as a new migration (`make migration NAME=…`). "
            "On a laptop, roll it back instead: `make migrate-down ENV=local`, then `make migrate ENV=local`."
        )


@dataclass(frozen=True)
class History:
    applied: Sequence[Applied]  # in the order of application
    files: Sequence[MigrationFile]

    @property
    def pending(self) -> list[MigrationFile]:
        applied = {one.id for one in self.applied}
        return [file for file in self.files if file.id not in applied]

    @property
    def edited(self) -> list[Edited]:
        noted = {one.id: one.sha256 for one in self.applied if one.sha256}
        return [
            Edited(file, noted[file.id])
            for file in self.files
            if noted.get(file.id, file.sha256) != file.sha256
        ]

    @property
    def unknown(self) -> list[str]:
        """Return the ids that were applied but are missing here: an older build or another branch."""
        files = {file.id for file in self.files}
        return [one.id for one in self.applied if one.id not in files]

    @property
    def late(self) -> list[MigrationFile]:
        """Return the pending files with a lower number than an applied one.

        Applying them now would give this database another order than others.
        """
        newest = max((one.id for one in self.applied), default="")
        return [file for file in self.pending if file.id < newest]

    @property
    def wrong(self) -> list[str]:
        """Return why nothing may be applied, and what to do.

        A build that is only older than its database is no reason.
        """
        wrong = [edited.explained() for edited in self.edited]
        if self.pending and self.unknown:
            wrong.append(
                f"{', '.join(self.unknown)} was applied, and is missing in this build, which would apply "
                f"{', '.join(file.id for file in self.pending)}: it comes from another branch. Merge the commit that "
                "has the missing files under migrations/, build and run this again."
            )
        wrong += [
            f"{file.id} is pending, but {max(one.id for one in self.applied)} after it was applied. Give its files "
            "the next free number, so that every database gets them in one order."
            for file in self.late
        ]
        return wrong

    def described(self) -> dict[str, Any]:
        return {
            "applied": [one.id for one in self.applied],
            "applied_at": {one.id: one.at.isoformat() for one in self.applied},
            "pending": [file.id for file in self.pending],
            "edited": [
                {
                    "id": edited.file.id,
                    "applied_sha256": edited.applied_sha256,
                    "file_sha256": edited.file.sha256,
                }
                for edited in self.edited
            ],
            "unknown": self.unknown,
            "late": [file.id for file in self.late],
            "wrong": self.wrong,
        }


def read(connection: Connection, files: Sequence[MigrationFile]) -> History:
    """Return the history. Raise `DatabaseUnavailableError` if this role may not read it."""
    try:
        [[(is_there,)]] = connection.execute([Statement(_THERE)])
        rows = connection.execute([Statement(_APPLIED)])[0] if is_there else []
    except ServerError as error:
        raise DatabaseUnavailableError(
            f"What was applied cannot be read: {error.args[0]['M']}. `make migrate` grants it."
        ) from error
    return History(
        [Applied(name, at.replace(tzinfo=UTC), _content(comment)) for name, at, comment in rows],
        files,
    )


def _content(comment: str | None) -> str | None:
    return comment.removeprefix(CONTENT) if comment and comment.startswith(CONTENT) else None
