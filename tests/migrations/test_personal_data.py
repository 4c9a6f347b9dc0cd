"""Personal data in the migrated schema: each column is declared, and each declared column exists."""

from pathlib import Path

import pg8000.native

from local_aws.database.postgres import SUPERUSER, Postgres
from migrate import migrations
from migrate.connection import proxy_uri
from tests.migrations.conftest import OURS
from tools.build import personal_data

ROOT = Path(__file__).resolve().parents[2]

_COLUMNS = "SELECT table_name, array_agg(column_name::text) FROM information_schema.columns WHERE table_schema = 'public' GROUP BY table_name"


def undeclared(found: dict[str, set[str]]) -> list[str]:
    declared = personal_data.read(ROOT).records("postgres")
    return [
        f"{table}.{column}: declare it in the personal-data.yaml of the service that writes it"
        for table, columns in sorted(found.items())
        for column in sorted(columns - (declared[table].names if table in declared else set()))
    ]


def columns(server: Postgres, database: str) -> dict[str, set[str]]:
    with pg8000.native.Connection(
        SUPERUSER, unix_sock=server.socket, database=database
    ) as connection:
        return {table: set(names) for table, names in connection.run(_COLUMNS)}


def test_every_column_is_declared_and_exists(migrated: str, database_server: Postgres) -> None:
    found = columns(database_server, migrated)
    assert undeclared(found) == []
    declared = personal_data.read(ROOT).records("postgres")
    assert {name: record.names for name, record in declared.items()} == found


def test_an_undeclared_column_and_table_are_reported(
    migrated: str, database_server: Postgres, tmp_path: Path
) -> None:
    for file in OURS.glob("*.sql"):
        (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / "9999_next.sql").write_text(
        "ALTER TABLE users ADD COLUMN phone text;\nCREATE TABLE letters (text text);\n"
    )
    migrations.apply(proxy_uri("migrator"), folder=tmp_path)
    told = undeclared(columns(database_server, migrated))
    assert [line.partition(":")[0] for line in told] == ["letters.text", "users.phone"]
