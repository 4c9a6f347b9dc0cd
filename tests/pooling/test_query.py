"""`atrium.stores.postgres` through TLS, an IAM token and a transaction pooler, on a real Postgres."""

import re
import socket
import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from uuid import UUID

import pg8000.native
import pytest

from atrium.runtime import clock
from atrium.stores import postgres
from atrium.stores.pipeline import PipelinedConnection
from atrium.stores.postgres import (
    DatabaseError,
    DatabaseUnavailableError,
    Statement,
    UniqueViolationError,
)
from local_aws.database.postgres import Postgres
from local_aws_tests.support.waiting import settle
from tests.pooling.conftest import as_superuser
from tests.pooling.proxy_stand_in import ProxyStandIn

UID = UUID("01920000-0000-7000-8000-000000000001")
MOMENT = datetime(2024, 2, 29, 12, 30, 15, 123450, tzinfo=UTC)


@pytest.fixture
def table(database: ProxyStandIn) -> ProxyStandIn:
    postgres.batch(
        Statement("DROP TABLE IF EXISTS things"),
        Statement("CREATE TABLE things (name text UNIQUE, n int)"),
        Statement("GRANT ALL ON SCHEMA public TO app"),
        Statement("GRANT ALL ON things TO app"),
        user="postgres",
    )
    return database


@pytest.mark.parametrize(
    ("sql", "given", "expected"),
    [
        ("$1::uuid", UID, UID),
        ("$1::uuid", str(UID), UID),
        ("$1::timestamptz", MOMENT, MOMENT),
        ("$1::timestamptz", MOMENT.astimezone(timezone(timedelta(hours=5, minutes=30))), MOMENT),
        ("$1::timestamptz", datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)),
        (
            "$1::jsonb",
            {"a": [1, None, {"ü": "'\"\\"}], "at": MOMENT},
            {"a": [1, None, {"ü": "'\"\\"}], "at": "2024-02-29T12:30:15.123450Z"},
        ),
        ("$1::jsonb", '["a list as JSON text"]', ["a list as JSON text"]),
        (
            "$1::text[]",
            ["null", "NULL", "", 'a"b\\c', "{x,y}", None],
            ["null", "NULL", "", 'a"b\\c', "{x,y}", None],
        ),
        ("$1::int[]", [[1, 2], [3, 4]], [[1, 2], [3, 4]]),
        ("$1::uuid[]", [UID], [UID]),
        ("$1::text", None, None),
        ("$1::bool", True, True),
        ("$1::bool", False, False),
        ("$1::int", -7, -7),
        ("$1::bigint", 2**62, 2**62),
        ("$1::text", "naïve $1 '; DROP TABLE users; --", "naïve $1 '; DROP TABLE users; --"),
    ],
)
def test_values_survive_a_round_trip(
    database: ProxyStandIn, sql: str, given: object, expected: object
) -> None:
    [(value,)] = postgres.query(f"SELECT {sql}", given)
    assert value == expected
    assert type(value) is type(expected)


def test_a_timestamp_is_read_in_utc_whatever_the_servers_zone(database: ProxyStandIn) -> None:
    [_, [(moment,)]] = postgres.batch(
        Statement("SELECT set_config('timezone', 'Asia/Kolkata', true)"),
        Statement("SELECT $1::timestamptz", (MOMENT,)),
    )
    assert moment == MOMENT
    assert moment.tzinfo is UTC


@pytest.mark.parametrize(
    ("written", "nearest"),
    [
        ("infinity", datetime.max),
        ("12000-01-01", datetime.max),
        ("9999-12-31 23:59-12", datetime.max),
        ("-infinity", datetime.min),
        ("0044-03-15 BC", datetime.min),
        ("0001-01-01 00:00+14", datetime.min),
    ],
)
def test_a_timestamp_beyond_pythons_range_is_the_nearest_one(
    database: ProxyStandIn, written: str, nearest: datetime
) -> None:
    rows = postgres.batch(
        Statement("SELECT $1::text::timestamptz", (written,)), Statement("SELECT 1")
    )
    assert rows == [[(nearest.replace(tzinfo=UTC),)], [(1,)]]


def test_a_naive_datetime_is_refused(database: ProxyStandIn) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        postgres.query("SELECT $1::timestamptz", MOMENT.replace(tzinfo=None))


def test_one_query_is_one_round_trip_of_unnamed_messages_and_one_sync(
    database: ProxyStandIn,
) -> None:
    postgres.query("SELECT 1")
    before, database.sent = postgres.round_trips, b""
    postgres.query("SELECT $1::int, $2::text", 5, "x")
    assert postgres.round_trips == before + 1
    assert _messages(database.sent) == [b"P", b"B", b"D", b"E", b"S"]


def test_a_batch_is_one_round_trip(database: ProxyStandIn) -> None:
    postgres.query("SELECT 1")
    before, database.sent = postgres.round_trips, b""
    rows = postgres.batch(
        Statement("SELECT $1::int", (1,)),
        Statement("SELECT 2 WHERE false"),
        Statement("SELECT 3, 4"),
    )
    assert rows == [[(1,)], [], [(3, 4)]]
    assert postgres.round_trips == before + 1
    assert _messages(database.sent) == [b"P", b"B", b"D", b"E"] * 3 + [b"S"]


def test_the_connection_is_reused(database: ProxyStandIn) -> None:
    postgres.query("SELECT 1")
    opened = database.connections
    for n in range(5):
        assert postgres.query("SELECT $1::int", n) == [(n,)]
    assert database.connections == opened


def test_each_user_has_a_connection_of_its_own(database: ProxyStandIn) -> None:
    assert postgres.query("SELECT current_user") == [("app",)]
    assert postgres.query("SELECT current_user", user="readonly") == [("readonly",)]


def test_a_batch_is_all_or_nothing_and_its_error_names_the_constraint(table: ProxyStandIn) -> None:
    insert = "INSERT INTO things (name) VALUES ($1)"
    with pytest.raises(UniqueViolationError) as raised:
        postgres.batch(
            Statement(insert, ("a",)), Statement(insert, ("b",)), Statement(insert, ("a",))
        )
    assert (raised.value.code, raised.value.constraint) == ("23505", "things_name_key")
    assert postgres.query("SELECT count(*) FROM things") == [(0,)]


def test_an_error_in_the_last_message_is_raised(table: ProxyStandIn) -> None:
    with pytest.raises(UniqueViolationError):
        postgres.batch(
            Statement("ALTER TABLE things DROP CONSTRAINT things_name_key"),
            Statement("ALTER TABLE things ADD UNIQUE (name) DEFERRABLE INITIALLY DEFERRED"),
            Statement("INSERT INTO things (name) VALUES ('a'), ('a')"),
            user="postgres",
        )
    assert postgres.query("SELECT count(*) FROM things") == [(0,)]


def test_the_connection_is_reused_after_an_error(database: ProxyStandIn) -> None:
    postgres.query("SELECT 1")
    opened = database.connections
    with pytest.raises(DatabaseError) as raised:
        postgres.query("SELECT 1/$1::int", 0)
    assert raised.value.code == "22012"
    assert postgres.query("SELECT 2") == [(2,)]
    assert database.connections == opened


def test_a_transaction_cannot_be_left_open(database: ProxyStandIn) -> None:
    postgres.query("SELECT 1")
    opened = database.connections
    with pytest.raises(ValueError, match="transaction open"):
        postgres.query("BEGIN")
    assert postgres.query("SELECT 1") == [(1,)]
    assert database.connections == opened + 1


def test_a_connection_closed_while_idle_is_replaced(database: ProxyStandIn) -> None:
    postgres.query("SELECT 1")
    opened = database.connections
    database.cut()
    assert postgres.query("SELECT 2") == [(2,)]
    assert database.connections == opened + 1


def test_a_connection_idle_for_minutes_is_replaced(
    database: ProxyStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Simulate a function that Lambda froze: only the wall clock advanced."""
    postgres.query("SELECT 1")
    opened = database.connections
    monkeypatch.setattr(
        clock, "time", SimpleNamespace(monotonic=time.monotonic, time=lambda: time.time() + 299)
    )
    postgres.query("SELECT 2")
    assert database.connections == opened
    monkeypatch.setattr(
        clock, "time", SimpleNamespace(monotonic=time.monotonic, time=lambda: time.time() + 600)
    )
    assert postgres.query("SELECT 3") == [(3,)]
    assert database.connections == opened + 1


def test_no_statement_is_delayed_by_nagles_algorithm(database: ProxyStandIn) -> None:
    """Check a statement longer than one TLS record, which would wait 40 ms for a delayed
    acknowledgement.
    """
    with postgres.connect("app", PipelinedConnection) as connection:
        assert connection._usock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.skipif(not hasattr(socket, "TCP_KEEPIDLE"), reason="the system has no such option")
def test_tcp_keepalive_is_on(database: ProxyStandIn) -> None:
    with postgres.connect("app", PipelinedConnection) as connection:
        assert connection._usock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) < 350


def test_a_connection_closed_during_a_round_trip_is_reported_without_a_retry(
    table: ProxyStandIn, database_server: Postgres
) -> None:
    postgres.query("SELECT 1")
    waiting = "SELECT 1 FROM pg_stat_activity WHERE usename = 'app' AND wait_event_type = 'Lock'"

    def cut_when_it_waits() -> None:
        assert settle(lambda: bool(as_superuser(database_server, waiting)), 60)
        table.cut()

    with pg8000.native.Connection(
        "rdsadmin", unix_sock=database_server.socket, database="atrium"
    ) as holder:
        holder.run("BEGIN")
        holder.run("LOCK TABLE things")
        cutting = threading.Thread(target=cut_when_it_waits)
        cutting.start()
        with pytest.raises(DatabaseUnavailableError):
            postgres.query("INSERT INTO things VALUES ('once', 1)")
        cutting.join()
        holder.run("ROLLBACK")
    assert settle(lambda: not as_superuser(database_server, waiting), 60)
    assert postgres.query("SELECT count(*) FROM things WHERE name = 'once'")[0][0] <= 1
    assert sum(b"INSERT INTO things" in part for part in table.sent.split(b"P\0")) == 1


def test_an_error_of_the_server_shutting_down_is_unavailable(database: ProxyStandIn) -> None:
    with pytest.raises(DatabaseUnavailableError):
        postgres.query("SELECT pg_terminate_backend(pg_backend_pid())", user="postgres")
    assert postgres.query("SELECT 1", user="postgres") == [(1,)]


def test_a_large_statement_is_quick(database: ProxyStandIn) -> None:
    text = "x" * 1_000_000
    assert postgres.query("SELECT $1::text", text) == [(text,)]


def test_an_untrusted_certificate_is_refused(
    database: ProxyStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    postgres.disconnect()
    postgres._tls.cache_clear()
    with pytest.raises(DatabaseUnavailableError, match="CERTIFICATE_VERIFY_FAILED"):
        postgres.query("SELECT 1")


def test_a_wrong_token_is_unavailable_and_names_the_user(database: ProxyStandIn) -> None:
    postgres.disconnect()
    database.accepts = lambda _user, _token: False
    with pytest.raises(DatabaseUnavailableError, match=r"refused app"):
        postgres.query("SELECT 1")


def _messages(sent: bytes) -> list[bytes]:
    """Return the types of the client's messages. Fail unless every Parse and Bind is unnamed."""
    types = []
    while sent:
        kind, length = sent[:1], int.from_bytes(sent[1:5])
        body, sent = sent[5 : length + 1], sent[length + 1 :]
        assert not (kind == b"P" and not body.startswith(b"\0")), (
            "a named statement pins the connection"
        )
        assert not (kind == b"B" and not re.match(rb"\0\0", body)), "a named portal or statement"
        types.append(kind)
    return types
