"""Databases for migrations, with the roles, on the Postgres, PgBouncer and proxy of tests/pooling."""

# ruff: noqa: S608 - our own constants

from collections.abc import Iterator
from pathlib import Path

import pytest

from atrium.stores import postgres
from local_aws.database.postgres import Postgres
from migrate import files, migrations, roles
from migrate.connection import proxy_uri
from migrate.files import MigrationFile
from tests.pooling.conftest import (  # noqa: F401  fixtures
    as_superuser,
    certificates,
    database_server,
    folder,
    fresh_database,
    pooler,
    proxy_stand_in,
    temporary_database,
    use,
)
from tests.pooling.proxy_stand_in import ProxyStandIn

MIGRATED = "migrated"
OURS = Path(__file__).resolve().parents[2] / "migrations"


@pytest.fixture
def database(fresh_database: str) -> str:  # noqa: F811  as pytest has it
    """Return the name of an empty database with the roles."""
    roles.bootstrap()
    return fresh_database


@pytest.fixture
def migrated(
    proxy_stand_in: ProxyStandIn,  # noqa: F811
    database_server: Postgres,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    """Return the name of a database with the roles and all of our migrations.

    It is a copy of a database that is migrated once a session.
    """
    if [MIGRATED] not in as_superuser(database_server, "SELECT datname FROM pg_database"):
        _migrate(database_server, monkeypatch)
    copy = f"OWNER migrator TEMPLATE {MIGRATED}"
    with temporary_database(database_server, monkeypatch, copy) as name:
        # Postgres does not copy the rights on the database itself.
        as_superuser(
            database_server,
            f"UPDATE pg_database SET datacl = original.datacl FROM pg_database AS original"
            f" WHERE pg_database.datname = '{name}' AND original.datname = '{MIGRATED}'",
        )
        yield name


def _migrate(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    as_superuser(server, f"CREATE DATABASE {MIGRATED} OWNER postgres")
    use(MIGRATED, monkeypatch)
    roles.bootstrap()
    migrations.apply(proxy_uri("migrator"), folder=OURS)
    postgres.disconnect()
    # PgBouncer keeps connections, and a database is copied only without any.
    as_superuser(
        server,
        f"SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE datname = '{MIGRATED}'",
    )


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Return a folder with two migrations."""
    for number, name in (("0001", "first"), ("0002", "second")):
        (tmp_path / f"{number}_{name}.sql").write_text(f"CREATE TABLE {name} (n int);\n")
        (tmp_path / f"{number}_{name}.rollback.sql").write_text(f"DROP TABLE {name};\n")
    return tmp_path


def ours() -> list[MigrationFile]:
    """Return the migrations of this repository."""
    return files.read(OURS)
