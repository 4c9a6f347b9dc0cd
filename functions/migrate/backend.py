"""A yoyo backend for Postgres over pg8000 and pipelined connections, safe behind a pooler.

yoyo finds it as `postgresql+pg8000` (scheme.py).
"""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yoyo
from yoyo.backends import DatabaseBackend, PostgresqlBackend
from yoyo.connections import DatabaseURI

from migrate import connection, history, run_lock, scheme
from migrate.connection import Connection
from migrate.files import MigrationFile


class Backend(PostgresqlBackend):  # type: ignore[misc]  # yoyo is untyped
    """A backend that runs a migration and records it in one transaction.

    yoyo itself uses two connections for that.
    """

    driver_module = "pg8000.dbapi"
    _is_locked = False
    create_lock_table_sql = DatabaseBackend.create_lock_table_sql.replace(
        "CREATE TABLE", "CREATE TABLE IF NOT EXISTS"
    )
    log_migration_sql = DatabaseBackend.log_migration_sql.replace(
        "{quoted.created_at_utc})", "{quoted.created_at_utc}, {quoted.comment})"
    ).replace(":created_at_utc)", ":created_at_utc, :comment)")

    def connect(self, uri: DatabaseURI) -> Connection:
        return connection.connect(uri)

    def init_database(self) -> None:
        self.create_lock_table()  # without yoyo's trial table: Postgres can roll back DDL

    def begin(self) -> None:
        DatabaseBackend.begin(
            self
        )  # PostgresqlBackend's own method needs attributes of psycopg's connection.

    @contextmanager
    def lock(self, timeout: float = 10) -> Iterator[None]:
        """Hold the lock of a run. migrator's `lock_timeout` limits the wait."""
        if self._is_locked:
            yield
            return
        with run_lock.held(self.uri):
            self._is_locked = True
            try:
                yield
            finally:
                self._is_locked = False

    def let_readers_see(self) -> None:
        """Grant read access to the history."""
        self.ensure_internal_schema_updated()
        self.execute(history.READERS_MAY)

    def apply_one(self, migration: Any, force: bool = False, mark: bool = True) -> None:
        self._change(migration, "apply", force, self.mark_one if mark else None)

    def rollback_one(self, migration: Any, force: bool = False) -> None:
        self._change(migration, "rollback", force, self.unmark_one)

    def _change(
        self, migration: Any, direction: str, force: bool, mark: Callable[..., None] | None
    ) -> None:
        migration.load()
        self.ensure_internal_schema_updated()
        if not migration.use_transactions:
            migration.process_steps(self, direction, force=force)
        with self.transaction():
            if migration.use_transactions:
                migration.process_steps(self, direction, force=force)
            self.log_migration(migration, direction)
            if mark:
                mark(migration, log=False)

    def get_log_data(self, migration: Any = None, operation: str = "apply") -> dict[str, Any]:
        """Return a row of yoyo's log with the log stream as the host, without a DNS lookup."""
        return {
            "id": str(uuid.uuid4()),
            "migration_id": migration.id,
            "migration_hash": migration.hash,
            "username": self.uri.username,
            "hostname": os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "local"),
            "created_at_utc": datetime.now(UTC).replace(tzinfo=None),
            "operation": operation,
            "comment": history.CONTENT + MigrationFile(Path(migration.path)).sha256,
        }


def open_backend(uri: str) -> Backend:
    """Return a connected backend, for a `with` statement. Raises `DatabaseUnavailableError`.

    The lock's table exists afterwards.
    """
    scheme.register()
    backend: Backend = yoyo.get_backend(uri)
    return backend
