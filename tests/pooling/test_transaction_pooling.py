"""Proof that a query in one round trip works behind a transaction pooler, and that plain pg8000
fails.

Each client sends SQL of its own, because with equal SQL a mixed-up result would look right.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

import pg8000.native
import pytest

from atrium.stores import postgres
from atrium.stores.pipeline import InterfaceError, PipelinedConnection, Statement
from atrium.stores.postgres import DatabaseUnavailableError
from local_aws.database.postgres import Postgres
from local_aws_tests.support.waiting import settle
from tests.pooling.conftest import SERVER_CONNECTIONS, as_superuser
from tests.pooling.proxy_stand_in import ProxyStandIn

CLIENTS = 8
STEPS = 150
LONGEST = 120.0  # seconds

assert CLIENTS > SERVER_CONNECTIONS


class Client(Protocol):
    """One connection of a client; `run` returns rows."""

    def run(self, n: int, key: int, word: str) -> list[Any]: ...
    def close(self) -> None: ...


class OneRoundTripClient:
    def __init__(self, pooler: str) -> None:
        self._connection = PipelinedConnection("app", unix_sock=pooler, database="atrium")

    def run(self, n: int, key: int, word: str) -> list[Any]:
        sql = (
            f"SELECT $1::int + {n}, $2::text, '{n}'"
            if n % 2
            else f"SELECT '{n}', $1::bigint * {n}, upper($2::text), 1"
        )
        return self._connection.execute([Statement(sql, (key, word))])[0]

    def close(self) -> None:
        self._connection.close()


class PlainClient:
    def __init__(self, pooler: str) -> None:
        self._connection = pg8000.native.Connection("app", unix_sock=pooler, database="atrium")

    def run(self, n: int, key: int, word: str) -> list[Any]:
        odd = f"SELECT CAST(:key AS int) + {n}, CAST(:word AS text), '{n}'"
        even = f"SELECT '{n}', CAST(:key AS bigint) * {n}, upper(CAST(:word AS text)), 1"
        rows: list[list[Any]] = self._connection.run(odd if n % 2 else even, key=key, word=word)
        return [tuple(row) for row in rows]

    def close(self) -> None:
        self._connection.close()


def test_one_round_trip_gives_no_wrong_row_and_no_error(
    database: ProxyStandIn, pooler: str
) -> None:
    outcome = _hammer(OneRoundTripClient, pooler, lambda steps, _: steps == 5 * STEPS)
    assert outcome == {"right": 5 * STEPS * CLIENTS}


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # the SQLSTATEs that plain pg8000 causes
def test_plain_pg8000_fails_in_the_same_setup(database: ProxyStandIn, pooler: str) -> None:
    outcome = _hammer(PlainClient, pooler, lambda _, bad: bad > 10)
    assert outcome["wrong"] + outcome["error"] > 10, "then the test above proves nothing"


def test_killed_server_connections_cause_errors_but_no_wrong_or_duplicate_row(
    database: ProxyStandIn, database_server: Postgres
) -> None:
    postgres.batch(
        Statement("DROP TABLE IF EXISTS kept"),
        Statement("CREATE TABLE kept (n int)"),
        Statement("GRANT ALL ON SCHEMA public TO app"),
        Statement("GRANT ALL ON kept TO app"),
        user="postgres",
    )
    acknowledged, failed, stop = list[int](), list[int](), threading.Event()

    def insert() -> None:
        n = 0
        while not stop.is_set():
            n += 1
            try:
                assert postgres.query("INSERT INTO kept VALUES ($1::int) RETURNING n, 'x'", n) == [
                    (n, "x")
                ]
                acknowledged.append(n)
            except DatabaseUnavailableError:
                failed.append(n)

    def kill() -> bool:
        """Kill server connections.

        Return True once some round trips were hit and others were not.
        """
        as_superuser(
            database_server,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'",
        )
        time.sleep(0.15)
        return len(failed) > 2 and len(acknowledged) > 100

    client = threading.Thread(target=insert)
    client.start()
    hit = settle(kill, LONGEST)
    stop.set()
    client.join()
    rows = Counter(n for (n,) in postgres.query("SELECT n FROM kept"))
    assert hit, "no kill hit a round trip; the test proves nothing"
    assert set(acknowledged) <= rows.keys()
    assert set(rows.values()) == {1}


def _hammer(
    connect: Callable[[str], Client], pooler: str, enough: Callable[[int, int], bool]
) -> Counter[str]:
    """Run each client's own statements on its own connection until `enough` is true of the counts
    of statements and of errors.

    A broken connection is replaced.
    """
    outcome, lock, end = Counter[str](), threading.Lock(), time.monotonic() + LONGEST
    bad: list[int] = []  # for all clients together

    def client(number: int) -> None:
        mine, connection = Counter[str](), connect(pooler)
        for step in range(10**9):
            if enough(step, len(bad)) or time.monotonic() > end:
                break
            n = number * 1000 + step % 50
            try:
                right = connection.run(n, step, f"w{n}") == _expected(n, step, f"w{n}")
                mine["right" if right else "wrong"] += 1
                bad.extend([] if right else [n])
            except (
                pg8000.native.DatabaseError,
                InterfaceError,
                OSError,
                AttributeError,
                IndexError,
                ValueError,
            ):
                mine["error"] += 1
                bad.append(n)
                _close(connection)
                connection = connect(pooler)
        _close(connection)
        with lock:
            outcome.update(mine)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(1, CLIENTS + 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcome


def _expected(n: int, key: int, word: str) -> list[tuple[Any, ...]]:
    return [(key + n, word, str(n))] if n % 2 else [(str(n), key * n, word.upper(), 1)]


def _close(connection: Client) -> None:
    with suppress(InterfaceError, OSError):
        connection.close()
