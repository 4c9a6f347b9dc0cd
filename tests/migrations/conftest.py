"""Databases for migrations, with the roles, on the Postgres, PgBouncer and proxy of tests/pooling."""

from pathlib import Path

import pytest

from migrate import files, roles
from migrate.files import MigrationFile
from tests.pooling.conftest import (  # noqa: F401  fixtures
    certificates,
    database_server,
    folder,
    fresh_database,
    pooler,
    proxy_stand_in,
)

OURS = Path(__file__).resolve().parents[2] / "migrations"


@pytest.fixture
def database(fresh_database: str) -> str:  # noqa: F811  as pytest has it
    """Return the name of an empty database with the roles."""
    roles.bootstrap()
    return fresh_database


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
