"""Migrations of this repository: a downgrade leaves nothing, and a new upgrade gives the same
schema.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

from local_aws.database.child import unprivileged_group, unprivileged_user
from local_aws.database.postgres import SUPERUSER, Postgres
from migrate import migrations
from migrate.connection import proxy_uri
from migrate.files import holds_sql
from tests.migrations.conftest import OURS, ours


def dump(server: Postgres, database: str) -> str:
    """Return everything that pg_dump shows: tables, defaults, constraints, indexes, functions,
    grants, owners.
    """
    options = ["--schema-only", "--create", "--exclude-table=_yoyo*", "--exclude-table=yoyo_lock"]
    where = [
        f"--host={server.socket_dir}",
        f"--port={server.port}",
        f"--username={SUPERUSER}",
        f"--dbname={database}",
    ]
    done = subprocess.run(
        [server.bin / "pg_dump", *options, *where],
        capture_output=True,
        text=True,
        check=True,
        user=unprivileged_user(),
        group=unprivileged_group(),
        extra_groups=[] if os.geteuid() == 0 else None,
    )
    # \restrict has a random word, a new one in each dump.
    return "\n".join(
        line
        for line in done.stdout.splitlines()
        if not line.startswith(("\\restrict", "\\unrestrict"))
    )


def test_up_down_up_gives_the_same_schema_after_every_migration(
    database: str, database_server: Postgres
) -> None:
    for file in ours():
        before = dump(database_server, database)
        migrations.apply(proxy_uri("migrator"), file.id, OURS)
        after = dump(database_server, database)
        assert after != before, f"{file.id} changes nothing in the schema"
        migrations.down(proxy_uri("migrator"), folder=OURS)
        assert dump(database_server, database) == before, (
            f"{file.rollback.name} leaves something behind"
        )
        migrations.apply(proxy_uri("migrator"), file.id, OURS)
        assert dump(database_server, database) == after, (
            f"{file.id} a second time is something else"
        )


def test_all_migrations_down_and_up_again_give_the_same_schema(
    database: str, database_server: Postgres
) -> None:
    migrations.apply(proxy_uri("migrator"), folder=OURS)
    full = dump(database_server, database)
    migrations.down(proxy_uri("migrator"), len(ours()), OURS)
    migrations.apply(proxy_uri("migrator"), folder=OURS)
    assert dump(database_server, database) == full


@pytest.mark.parametrize(
    "change",
    [
        "GRANT UPDATE (n) ON first TO readonly",
        "ALTER TABLE first ALTER n SET DEFAULT 1",
        "ALTER TABLE first ADD CHECK (n > 0) NOT VALID",
        "CREATE INDEX ON first ((n + 1)) WHERE n > 2",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT TRUNCATE ON TABLES TO app",
        "COMMENT ON COLUMN first.n IS 'how many'",
        "ALTER TABLE first ENABLE ROW LEVEL SECURITY",
    ],
)
def test_the_dump_shows_each_kind_of_object(
    database: str, two: Path, database_server: Postgres, change: str
) -> None:
    """Check what a downgrade file may forget."""
    (two / "0003_more.sql").write_text(f"{change};")
    migrations.apply(proxy_uri("migrator"), "0002", two)
    before = dump(database_server, database)
    migrations.apply(proxy_uri("migrator"), folder=two)
    assert dump(database_server, database) != before


def test_numbers_are_unique_and_every_migration_has_a_downgrade_file() -> None:
    numbers = [file.number for file in ours()]
    assert numbers == [f"{n:04}" for n in range(1, len(numbers) + 1)], (
        "rename the newer one to the next free number"
    )
    assert [file.id for file in ours() if not holds_sql(file.rollback)] == []


def test_a_migration_without_a_transaction_can_be_repeated() -> None:
    """Check that it first removes the remains of a killed attempt."""
    for file in ours():
        lines = file.path.read_text().splitlines()
        if "-- transactional: false" in lines:
            statement = " ".join(line for line in lines if not line.startswith("--"))
            assert re.match(r"\s*DROP\b.*\bIF EXISTS\b", statement, re.IGNORECASE), file.id
