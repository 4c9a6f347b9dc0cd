"""The rules of `make migrate`: statements that could be applied partially are refused with file and
line.

Harmless look-alikes are accepted.
"""

from pathlib import Path

import pytest

from migrate import migrations, rules
from migrate.connection import proxy_uri
from migrate.errors import MigrationFailedError, MigrationRefusedError
from tests.migrations.conftest import ours
from tests.migrations.test_runs import apply, down, exists, let_readers_in

OUTSIDE = "-- transactional: false\n"

REFUSED = [
    ("BEGIN; CREATE TABLE a (n int); COMMIT;", 1, "BEGIN"),
    ("CREATE TABLE a (n int);\nCOMMIT;", 2, "COMMIT"),
    ("CREATE TABLE a (n int);\n\n  commit and chain;", 3, "COMMIT"),
    ("CREATE TABLE a (n int);\nEND;", 2, "END"),
    ("start transaction;", 1, "START TRANSACTION"),
    ("ROLLBACK;", 1, "ROLLBACK"),
    ("ABORT;", 1, "ABORT"),
    ("SAVEPOINT a;", 1, "SAVEPOINT"),
    ("PREPARE TRANSACTION 'a';", 1, "PREPARE TRANSACTION"),
    (OUTSIDE + "BEGIN;", 2, "BEGIN"),
    ("/* why */ SET search_path = a;", 1, "SET SEARCH_PATH"),
    ("SET LOCAL search_path TO a;", 1, "SET LOCAL SEARCH_PATH"),
    ("set session statement_timeout = 0;", 1, "SET SESSION STATEMENT_TIMEOUT"),
    ('SET "search_path" = a;', 1, "SET SEARCH_PATH"),
    ("SELECT pg_catalog.set_config('search_path', 'a', false);", 1, "set_config"),
    ("RESET ALL;", 1, "RESET"),
    ("DISCARD ALL;", 1, "DISCARD"),
    ("LISTEN a;", 1, "LISTEN"),
    ("CREATE INDEX CONCURRENTLY i ON a (n);", 1, "CREATE INDEX CONCURRENTLY"),
    ("SELECT 1;\nCREATE UNIQUE INDEX CONCURRENTLY i ON a (n);", 2, "CREATE UNIQUE INDEX CONCURRENTLY"),
    ("DROP INDEX CONCURRENTLY i;", 1, "DROP INDEX CONCURRENTLY"),
    ("REINDEX TABLE CONCURRENTLY a;", 1, "REINDEX CONCURRENTLY"),
    ("ALTER TABLE a DETACH PARTITION b CONCURRENTLY;", 1, "DETACH PARTITION CONCURRENTLY"),
    ("VACUUM a;", 1, "VACUUM"),
    ("CREATE DATABASE a;", 1, "CREATE DATABASE"),
    ("ALTER SYSTEM SET a = 1;", 1, "ALTER SYSTEM"),
    ("/* a /* b */ c */ SELECT 1;", 1, "comments are nested"),
    ("SELECT 1;\n/* a\n/* b */ */", 3, "comments are nested"),
    ("SELECT 1; /* a", 1, "never closed"),
    ("SELECT 'a;\nCOMMIT;", 1, "never closed"),
    ("SELECT $a$ b $b$;", 1, "never closed"),
    ("\ufeffSELECT 1;", 1, "byte order mark"),
    ("\\i other.sql", 1, "psql"),
    ("COPY a FROM STDIN;\n1\n\\.\n", 1, "COPY"),
    ("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END;", 1, "BEGIN ATOMIC"),
]  # fmt: skip

ACCEPTED = [
    'CREATE TABLE a (commit text, "begin" text, n int DEFAULT 1); -- COMMIT;',
    "INSERT INTO a VALUES ('COMMIT; it''s', E'\\'; COMMIT;', $x$; COMMIT; $x$);",
    "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;",
    "DO $$ BEGIN PERFORM 1; END $$;",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path = '' AS 'SELECT 1';",
    "ALTER ROLE app SET statement_timeout = '5s';",
    "UPDATE a SET n = 1;",
    "SET CONSTRAINTS ALL DEFERRED;",
    "ALTER TABLE a ALTER COLUMN n SET DEFAULT 1; ALTER TABLE a SET (fillfactor = 90);",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY a;",
    "CREATE INDEX i ON a (n); /* one * two / three */ SELECT 1 /* it's */;",
    'SELECT case when true then 1 end; SELECT 1 AS "end"; SELECT $1$ FROM a;'.replace(
        "SELECT $1$ FROM a;", ""
    ),
    OUTSIDE
    + "DROP INDEX CONCURRENTLY IF EXISTS i;\nCREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a (n);\nVACUUM a;",
    "-- größe\nCOMMENT ON TABLE a IS 'größe';",
]


def problems(folder: Path, sql: str) -> list[str]:
    path = folder / "0001_first.sql"
    path.write_text(sql, encoding="utf-8")
    return list(rules.problems(path, path))


@pytest.mark.parametrize(("sql", "line", "named"), REFUSED, ids=lambda value: str(value)[:40])
def test_a_statement_that_could_apply_partially_is_named_with_its_line(
    tmp_path: Path, sql: str, line: int, named: str
) -> None:
    found = problems(tmp_path, sql)
    assert found[0].startswith(f"  0001_first.sql:{line}: ")
    assert named in found[0]


@pytest.mark.parametrize("sql", ACCEPTED, ids=lambda value: str(value)[:40])
def test_a_harmless_look_alike_is_accepted(tmp_path: Path, sql: str) -> None:
    assert problems(tmp_path, sql) == []


def test_our_own_migrations_follow_the_rules_in_both_directions() -> None:
    rules.require(
        [pair for file in ours() for pair in ((file.path, file.path), (file.rollback, file.path))]
    )


def test_another_encoding_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "0001_first.sql"
    path.write_bytes("-- größe\nSELECT 1;".encode("latin-1"))
    assert "0001_first.sql: it is not UTF-8" in next(rules.problems(path, path))


def test_nothing_runs_when_a_later_file_is_refused(database: str, two: Path) -> None:
    (two / "0002_second.sql").write_text("CREATE TABLE second (n int);\nCOMMIT;\nSELECT 1/0;")
    with pytest.raises(MigrationRefusedError, match=r"0002_second\.sql:2: COMMIT"):
        apply(two)
    assert not exists("first")


def test_nothing_is_downgraded_when_a_downgrade_file_is_refused(database: str, two: Path) -> None:
    let_readers_in()
    apply(two)
    (two / "0001_first.rollback.sql").write_text("SET search_path = a; DROP TABLE first;")
    with pytest.raises(
        MigrationRefusedError, match=r"0001_first\.rollback\.sql:1: SET SEARCH_PATH"
    ):
        down(two, 2)
    assert exists("second")
    assert migrations.status(proxy_uri("readonly"), two)["pending"] == []


def test_a_failure_reports_details_and_the_state_of_the_database(database: str, two: Path) -> None:
    (two / "0002_second.sql").write_text(
        "CREATE TABLE second (n int PRIMARY KEY); INSERT INTO second VALUES (1), (1);"
    )
    with pytest.raises(MigrationFailedError) as failed:
        apply(two)
    said = str(failed.value)
    assert "duplicate key value" in said
    assert "Detail: Key (n)=(1) already exists." in said
    assert "Applied by this run and kept: 0001_first." in said
