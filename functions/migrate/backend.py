"""yoyo's Postgres backend over pg8000 and our one-flight connection, made for a transaction-mode pooler.

It is constructed directly: yoyo looks backends up by entry point, which a zip without dist-info does not have.
"""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from pg8000 import dbapi
from pg8000.converters import datetime_out
from yoyo.backends import DatabaseBackend, PostgresqlBackend
from yoyo.connections import DatabaseURI
from yoyo.migrations import default_migration_table

from atrium import postgres
from atrium.config import required
from atrium.one_flight import OneFlight

USER = "migrator"
ANSWER_TIMEOUT = 850.0
"""Seconds; just over migrator's `statement_timeout`, and less than the function's."""
# A Lambda function lives 15 minutes at most, so whoever took an older lock died without giving it back.
DROP_DEAD_LOCK = "DELETE FROM yoyo_lock WHERE ctime < (now() AT TIME ZONE 'UTC') - interval '16 minutes'"


class Connection(OneFlight, dbapi.Connection):  # type: ignore[misc]  # pg8000 is untyped
    """A DB-API connection whose every statement is one flight, so autocommit is safe behind a pooler."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.autocommit = True  # yoyo writes BEGIN and COMMIT itself
        self.register_out_adapter(datetime, datetime_out)  # yoyo's tables hold times without a zone


class Backend(PostgresqlBackend):  # type: ignore[misc]  # yoyo is untyped
    """Applies or rolls back a migration and notes it in one transaction; yoyo itself uses two connections for that."""

    driver_module = "pg8000.dbapi"
    create_lock_table_sql = DatabaseBackend.create_lock_table_sql.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS")

    def connect(self, _uri: DatabaseURI) -> Connection:
        return postgres.connect(USER, Connection, ANSWER_TIMEOUT)

    def init_database(self) -> None:
        self.create_lock_table()  # and no trial table to learn whether Postgres can roll back DDL: it can

    def begin(self) -> None:
        DatabaseBackend.begin(self)  # PostgresqlBackend's asks psycopg's connection for its state first

    @contextmanager
    def lock(self, timeout: float = 10) -> Iterator[None]:
        with self.transaction():
            self.execute(DROP_DEAD_LOCK)
        with super().lock(timeout):
            yield

    def apply_one(self, migration: Any, force: bool = False, mark: bool = True) -> None:
        migration.load()
        if not migration.use_transactions:
            super().apply_one(migration, force, mark)
            return
        self.ensure_internal_schema_updated()
        with self.transaction():
            migration.process_steps(self, "apply", force=force)
            self.log_migration(migration, "apply")
            if mark:
                self.mark_one(migration, log=False)

    def rollback_one(self, migration: Any, force: bool = False) -> None:
        migration.load()
        if not migration.use_transactions:
            super().rollback_one(migration, force)
            return
        self.ensure_internal_schema_updated()
        with self.transaction():
            migration.process_steps(self, "rollback", force=force)
            self.log_migration(migration, "rollback")
            self.unmark_one(migration, log=False)

    def get_log_data(self, migration: Any = None, operation: str = "apply") -> dict[str, Any]:
        """A row of yoyo's log. As the host it names the log stream, where yoyo would ask the DNS for ours."""
        return {
            "id": str(uuid.uuid4()),
            "migration_id": migration.id,
            "migration_hash": migration.hash,
            "username": USER,
            "hostname": os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "local"),
            "created_at_utc": datetime.now(UTC).replace(tzinfo=None),
            "operation": operation,
        }


def open_backend() -> Backend:
    """A backend connected as migrator, its lock table made. Use it in a `with`. Raises `DatabaseUnavailable`."""
    uri = DatabaseURI("postgresql", USER, None, required("DB_HOST"), int(required("DB_PORT")), required("DB_NAME"), {})
    backend = Backend(uri, default_migration_table)
    backend.init_database()
    return backend
