"""Errors of the server as services and the kernel distinguish them, on a real Postgres."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pg8000.native
import pytest

from atrium.stores import postgres
from atrium.stores.postgres import DatabaseBusyError, DatabaseError, Statement, UniqueViolationError

FAIL = "DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{}'; END $$"


@pytest.fixture(autouse=True)
def users(database: pg8000.native.Connection) -> None:
    """Return the database of the user `app`, on a connection of the test's own."""


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("55P03", DatabaseBusyError),
        ("57014", DatabaseBusyError),
        ("40001", DatabaseBusyError),
        ("40P01", DatabaseBusyError),
        ("23505", UniqueViolationError),
        ("23514", DatabaseError),
    ],
)
def test_transient_errors_are_distinguished(code: str, kind: type[DatabaseError]) -> None:
    with pytest.raises(DatabaseError) as refused:
        postgres.query(FAIL.format(code))
    assert (type(refused.value), refused.value.code) == (kind, code)
    assert postgres.query("SELECT 1") == [(1,)]


def test_a_statement_timeout_is_reported_as_busy() -> None:
    postgres.query("SET statement_timeout = '20ms'")
    with pytest.raises(DatabaseBusyError, match="57014"):
        postgres.query("SELECT pg_sleep(5)")


def test_an_error_says_which_statement_failed() -> None:
    for place in range(3):
        statements = [Statement("SELECT 1")] * 3
        statements[place] = Statement("SELECT 1 / 0")
        with pytest.raises(DatabaseError) as refused:
            postgres.batch(*statements)
        assert refused.value.statement == place


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
        datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(-timedelta(hours=12))),
        datetime(2026, 1, 31, 12, tzinfo=UTC),
    ],
)
def test_any_timestamp_can_be_a_parameter(moment: Any) -> None:
    """Check timestamps that Python cannot express in UTC, too."""
    assert postgres.query("SELECT $1::timestamptz IS NOT NULL", moment) == [(True,)]
