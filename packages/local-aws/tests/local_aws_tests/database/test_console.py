"""The console's SQL panel, which can only read the database."""

import asyncio
from collections.abc import Callable

import pg8000.native
import pytest

from local_aws.console.sql import MOST_ROWS, Database
from local_aws.database.postgres import SUPERUSER, Postgres
from local_aws_tests.console.served import served

SECONDS = 0.5

Ask = Callable[[str], tuple[int, dict[str, object]]]


@pytest.fixture
def ask(postgres: Postgres) -> Ask:
    def ask(sql: str) -> tuple[int, dict[str, object]]:
        async def run() -> tuple[int, dict[str, object]]:
            async with (
                served(Database(lambda: postgres, "app", SECONDS)) as (session, url),
                session.get(f"{url}/sql", params={"sql": sql}) as answer,
            ):
                return answer.status, await answer.json()

        return asyncio.run(run())

    return ask


def test_a_query_returns_columns_and_a_limited_number_of_rows(ask: Ask) -> None:
    status, result = ask(
        "SELECT n, n % 2 = 0 AS even, NULL AS none FROM generate_series(1, 1000) n;"
    )
    assert status == 200
    assert result["columns"] == ["n", "even", "none"]
    assert result["rows"][:2] == [[1, False, None], [2, True, None]]  # type: ignore[index]
    assert len(result["rows"]) == MOST_ROWS  # type: ignore[arg-type]
    assert result["more"]


def test_the_tables_of_the_database_are_listed(postgres: Postgres) -> None:
    async def run() -> None:
        async with (
            served(Database(lambda: postgres, "app")) as (session, url),
            session.get(f"{url}/sql/tables") as answer,
        ):
            names = [row[1] for row in (await answer.json())["rows"]]
            assert "notes" in names
            assert not [name for name in names if name.startswith("pg_")]

    asyncio.run(run())


def test_explain_returns_a_plan(ask: Ask) -> None:
    status, result = ask("EXPLAIN SELECT 1")
    assert (status, result["columns"]) == (200, ["QUERY PLAN"])


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("DELETE FROM notes", "42601"),
        ("WITH gone AS (DELETE FROM notes RETURNING 1) SELECT * FROM gone", "0A000"),
        ("EXPLAIN ANALYZE DELETE FROM notes", "25006"),
        ("SELECT 1; COMMIT; DROP TABLE notes", "42601"),
        ("COPY notes TO PROGRAM 'id'", "42601"),
        ("SELECT pg_read_file('/etc/passwd')", "42501"),
        ("SELECT set_config('role', 'rdsadmin', false)", "42501"),
        ("SELECT pg_sleep(30)", "57014"),
        ("SELECT none", "42703"),
    ],
)
def test_changes_and_long_queries_are_refused(ask: Ask, sql: str, code: str) -> None:
    status, result = ask(sql)
    assert status == 400
    assert f"SQLSTATE {code}" in str(result["message"])


@pytest.mark.parametrize("sql", ["", "SELECT " + "1" * 4_000])
def test_an_empty_or_very_long_query_is_refused(ask: Ask, sql: str) -> None:
    assert ask(sql)[0] == 400


def test_the_role_is_created_again_on_restored_data(postgres: Postgres, ask: Ask) -> None:
    assert ask("SELECT 1")[0] == 200
    with pg8000.native.Connection(
        SUPERUSER, unix_sock=postgres.socket, database="app"
    ) as connection:
        connection.run("DROP OWNED BY local_console")
        connection.run("DROP ROLE local_console")
    assert ask("SELECT 1")[0] == 200


def test_secrets_are_not_shown(ask: Ask) -> None:
    _, result = ask("SELECT 'a-password' AS password, 'SCRAM-SHA-256$4096:c2FsdA==$aa:bb' AS x")
    assert result["rows"] == [["[removed]", "[removed]"]]


def test_a_stopped_server_is_reported() -> None:
    async def run() -> None:
        def stopped() -> Postgres:
            raise ConnectionRefusedError("stopped")

        async with (
            served(Database(stopped, "app")) as (session, url),
            session.get(f"{url}/sql", params={"sql": "SELECT 1"}) as answer,
        ):
            assert answer.status == 503

    asyncio.run(run())
