"""The history of migrations in a database, compared with the files of a build, read-only."""

from pathlib import Path
from typing import Any

import pytest

from atrium.stores import postgres
from atrium.stores.postgres import DatabaseError
from local_aws.database.postgres import Postgres
from migrate import files, migrations
from migrate.connection import proxy_uri
from migrate.errors import HistoryError
from tests.migrations.conftest import OURS, ours
from tests.pooling.conftest import as_superuser


def status(folder: Path, user: str = "readonly") -> dict[str, Any]:
    return migrations.status(proxy_uri(user), folder)


def apply(folder: Path) -> dict[str, Any]:
    postgres.query("GRANT USAGE ON SCHEMA public TO readonly", user="migrator")
    return migrations.apply(proxy_uri("migrator"), folder=folder)


def end_sessions(server: Postgres, database: str) -> None:
    """End the pooled sessions, so that new ones have the database's new settings.

    Wait until each has ended. While one is ending, PgBouncer may use it for its authentication
    query; the sign-in then fails with "bouncer config error".
    """
    ended = as_superuser(
        server,
        f"SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE datname = '{database}'",  # noqa: S608
    )
    assert ended == [[True]] * len(ended)


def test_status_of_an_empty_database_writes_nothing(
    database: str, database_server: Postgres
) -> None:
    relations = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    names = [file.id for file in ours()]
    for user in ("readonly", "migrator"):
        found = status(OURS, user)
        assert (found["applied"], found["pending"]) == ([], names)
    assert postgres.query(relations, user="migrator") == []


def test_status_works_on_a_read_only_database(database: str, database_server: Postgres) -> None:
    migrations.apply(proxy_uri("migrator"), folder=OURS)
    as_superuser(
        database_server, f"ALTER DATABASE {database} SET default_transaction_read_only = on"
    )
    end_sessions(database_server, database)
    for user in ("readonly", "migrator"):
        found = status(OURS, user)
        assert found["applied"] == [file.id for file in ours()] == list(found["applied_at"])
        assert [found[name] for name in ("pending", "edited", "unknown", "late")] == [
            [],
            [],
            [],
            [],
        ]
    with pytest.raises(DatabaseError, match="read-only transaction"):
        postgres.query("DELETE FROM _yoyo_migration", user="migrator")


def test_an_edited_migration_is_named_with_both_hashes_and_stops_the_next(
    database: str, two: Path
) -> None:
    apply(two)
    first = two / "0001_first.sql"
    before = files.read(two)[0].sha256
    first.write_text("CREATE TABLE first (n bigint);\n")
    after = files.read(two)[0].sha256
    (two / "0003_third.sql").write_text("CREATE TABLE third (n int);")

    [edited] = status(two)["edited"]
    assert (edited["id"], edited["applied_sha256"], edited["file_sha256"]) == (
        "0001_first",
        before,
        after,
    )
    with pytest.raises(
        HistoryError, match=rf"0001_first\.sql was edited.*{before}.*{after}.*git log -p"
    ):
        migrations.apply(proxy_uri("migrator"), folder=two)
    assert status(two)["pending"] == ["0003_third"]

    first.write_text("CREATE TABLE first (n int);\n")
    assert status(two)["edited"] == []
    assert migrations.apply(proxy_uri("migrator"), folder=two)["applied"] == ["0003_third"]


def test_an_edited_migration_can_be_downgraded_and_applied_again(database: str, two: Path) -> None:
    apply(two)
    (two / "0002_second.sql").write_text("CREATE TABLE second (n bigint);\n")
    migrations.down(proxy_uri("migrator"), folder=two)
    assert migrations.apply(proxy_uri("migrator"), folder=two)["applied"] == ["0002_second"]
    assert status(two)["edited"] == []


def test_changed_line_ends_are_not_an_edit(database: str, two: Path) -> None:
    apply(two)
    (two / "0001_first.sql").write_bytes(b"CREATE TABLE first (n int);\r\n")
    assert status(two)["edited"] == []


def test_an_older_build_runs_nothing_and_names_the_migrations_it_lacks(
    database: str, two: Path
) -> None:
    """Check the situation after a rollback: the schema stays ahead, which expand and contract
    allows.
    """
    apply(two)
    for file in two.glob("0002*"):
        file.unlink()
    assert status(two)["unknown"] == ["0002_second"]
    assert migrations.apply(proxy_uri("migrator"), folder=two)["applied"] == []
    with pytest.raises(HistoryError, match="0002_second cannot be taken back"):
        migrations.down(proxy_uri("migrator"), folder=two)


def test_a_build_of_another_branch_is_refused(database: str, two: Path) -> None:
    apply(two)
    for file in two.glob("0002*"):
        file.rename(two / file.name.replace("0002_second", "0003_other"))
    with pytest.raises(
        HistoryError, match=r"0002_second was applied, and is missing.*0003_other.*another branch"
    ):
        migrations.apply(proxy_uri("migrator"), folder=two)


def test_a_migration_numbered_before_the_newest_is_refused(database: str, two: Path) -> None:
    """Check this, because other databases would apply them in another order."""
    apply(two)
    (two / "0001_later.sql").write_text("CREATE TABLE later (n int);")
    assert status(two)["late"] == ["0001_later"]
    with pytest.raises(
        HistoryError, match="0001_later is pending, but 0002_second after it was applied"
    ):
        migrations.apply(proxy_uri("migrator"), folder=two)
