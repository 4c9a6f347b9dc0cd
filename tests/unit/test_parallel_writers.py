"""Fifty concurrent writers in Postgres: processes with a service's handler and a connection each.

The test holds a lock that all of them need. It releases the lock once Postgres reports fifty
waiting sessions, and fails if any of them has answered before. So all of them really meet.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pg8000.native
import pytest

from atrium.http import etag
from atrium.stores import user_table
from atrium.stores.user_table import Meta
from coffee.handler import handler as coffee
from local_aws.database.postgres import SUPERUSER, Postgres
from tests.unit.concurrent_writers import WRITERS
from tests.unit.conftest import ROOT
from tests.unit.events import UID, Context, answer, api_event, claims
from tools.laptop.answer import Answer

pytestmark = pytest.mark.trials

FIRST_VERSION = etag.of_version(1)
ONE_USER = f"SELECT FROM users WHERE uid = '{UID}' FOR UPDATE"
# each session that inserts an operation waits
OPERATIONS = "LOCK TABLE operations IN EXCLUSIVE MODE"

Event = dict[str, Any]


class Service:
    """A service with a process for each event (tests/unit/writers.py), in this database."""

    def __init__(self, name: str, server: Postgres, database: pg8000.native.Connection) -> None:
        self._name, self._server, self.database = name, server, database

    def answers(self, lock: str, events: Sequence[Event]) -> list[Answer]:
        """Return the response to each event, after all processes have waited for `lock`."""
        given = dict(
            json.loads(line) for line in self._run(lock, events, killed=False).splitlines()
        )
        return [answer(given[number]) for number in range(len(events))]

    def dies(self, lock: str, events: Sequence[Event]) -> None:
        """Kill the processes once all wait for `lock`: Postgres executes statements that nobody
        reads.
        """
        self._run(lock, events, killed=True)
        while self._sessions("state = 'active'"):
            pass

    def _run(self, lock: str, events: Sequence[Event], *, killed: bool) -> bytes:
        """Return the lines of all responses. Fail unless Postgres counted as many processes."""
        with self._processes() as processes, self._session() as holder:
            assert processes.stdin
            assert processes.stdout
            holder.run("BEGIN")
            holder.run(lock)
            with processes.stdin:
                processes.stdin.write(json.dumps(events).encode())
            hung = (
                time.monotonic() + 300
            )  # a process that was killed for its memory use neither waits nor answers
            while (met := self._sessions("wait_event_type = 'Lock'")) < len(events):
                assert time.monotonic() < hung, f"only {met} wait"
                early = select.select([processes.stdout], [], [], 0.02)[0]
                assert not early, (
                    f"{met} wait, and somebody has answered: {processes.stdout.readline()!r}"
                )
            if killed:
                os.killpg(processes.pid, signal.SIGKILL)
                # end of file comes when the last process has ended
                assert processes.stdout.read() == b""
            holder.run("ROLLBACK")
            return processes.stdout.read()

    def _processes(self) -> "subprocess.Popen[bytes]":
        program = [
            sys.executable,
            "-W",
            "error",
            "-m",
            "tests.unit.writers",
            self._name,
            self._server.socket,
        ]
        return subprocess.Popen(
            program,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": "functions"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    def _session(self) -> pg8000.native.Connection:
        where: dict[str, Any] = {
            "unix_sock": self._server.socket,
            "database": "atrium",
            "ssl_context": False,
        }
        return pg8000.native.Connection(SUPERUSER, **where)

    def _sessions(self, which: str) -> int:
        sql = f"SELECT count(*) FROM pg_stat_activity WHERE usename = 'app' AND {which}"  # noqa: S608
        [[count]] = self.database.run(sql)
        return int(count)


def by_admin(route: str, body: Any, id: str | None = None, **headers: str) -> Event:
    sent = {name.replace("_", "-"): value for name, value in headers.items()} | {
        "Content-Type": "application/json"
    }
    return api_event(route, json.dumps(body), sent, token=claims(roles="admin")) | {
        "pathParameters": id and {"id": id}
    }


def tally(answers: Sequence[Answer]) -> dict[int | str, int]:
    """Count the responses by status, and refusals also by code."""
    return Counter(each.status if each.status < 400 else each.json["code"] for each in answers)


def is_made_once(answers: Sequence[Answer], status: int) -> bool:
    """Check that one request created it and the others got the same response."""
    replayed = [each.headers.get("idempotency-replayed") for each in answers]
    assert tally(answers) == {status: WRITERS}
    assert Counter(replayed) == {None: 1, "true": WRITERS - 1}
    return len({each.text for each in answers}) == 1


@pytest.fixture
def users(server: Postgres, database: pg8000.native.Connection) -> Service:
    database.run("INSERT INTO users (uid, email) VALUES (:uid, 'ada@example.org')", uid=UID)
    return Service("users", server, database)


def test_fifty_changes_of_one_version_lose_no_update(users: Service) -> None:
    names = [f"King {number}" for number in range(WRITERS)]
    changes = [
        by_admin("PATCH /v1/users/{id}", {"family_name": name}, UID, If_Match=FIRST_VERSION)
        for name in names
    ]
    answers = users.answers(ONE_USER, changes)
    assert tally(answers) == {200: 1, "stale": WRITERS - 1}
    [winner] = [name for name, each in zip(names, answers, strict=True) if each.status == 200]
    assert users.database.run("SELECT family_name, version FROM users") == [[winner, 2]]
    assert users.database.run("SELECT count(*) FROM audit_events") == [[1]]


def invitations(keys: Sequence[str]) -> list[Event]:
    return [
        by_admin("POST /v1/users", {"email": "new@example.org"}, Idempotency_Key=key)
        for key in keys
    ]


def invited(users: Service) -> Any:
    """Return the numbers of operations, of commands in the outbox, and of audit events."""
    tables = ("operations", "outbox", "audit_events")
    return [users.database.run(f"SELECT count(*) FROM {table}")[0][0] for table in tables]  # noqa: S608


def test_fifty_invitations_of_one_address_create_one(users: Service) -> None:
    answers = users.answers(OPERATIONS, invitations([str(number) for number in range(WRITERS)]))
    assert tally(answers) == {202: 1, "invitation_pending": WRITERS - 1}
    assert invited(users) == [1, 1, 1]


def test_one_invitation_sent_fifty_times_is_created_once(users: Service) -> None:
    assert is_made_once(users.answers(OPERATIONS, invitations(["k"] * WRITERS)), 202)
    assert invited(users) == [1, 1, 1]


class Shop(Service):
    """A shop with one coffee."""

    def __init__(self, server: Postgres, database: pg8000.native.Connection) -> None:
        super().__init__("coffee", server, database)
        self.coffee = str(uuid.uuid4())
        self.lock = f"SELECT FROM coffees WHERE id = '{self.coffee}' FOR UPDATE"

    def has(self, stock: int) -> None:
        sql = "INSERT INTO coffees (id, name, price_cents, stock) VALUES (CAST(:id AS uuid), :id, 1, :stock)"
        self.database.run(sql, id=self.coffee, stock=stock)

    def order(self, key: str) -> Event:
        body = {"lines": [{"coffee": self.coffee, "quantity": 1}]}
        return by_admin("POST /v1/orders", body, Idempotency_Key=key)

    def answer(self, event: Event) -> Answer:
        """Return the response of this process."""
        return answer(coffee(event, Context()))

    def stock_and_ordered(self) -> Any:
        ordered = "SELECT count(*) FROM order_lines WHERE coffee_id = coffees.id"
        [found] = self.database.run(
            f"SELECT stock, ({ordered}) FROM coffees WHERE id = :id",  # noqa: S608  constants
            id=self.coffee,
        )
        return found


@pytest.fixture
def shop(
    server: Postgres, database: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> Shop:
    monkeypatch.setattr(user_table, "meta", lambda uid: Meta("active", 1, 1))
    return Shop(server, database)


def test_fifty_orders_are_accepted_until_the_stock_is_sold(shop: Shop) -> None:
    shop.has(stock=20)
    answers = shop.answers(shop.lock, [shop.order(str(number)) for number in range(WRITERS)])
    assert tally(answers) == {201: 20, "out_of_stock": WRITERS - 20}
    assert shop.stock_and_ordered() == [0, 20]


def test_one_order_sent_fifty_times_is_placed_once(shop: Shop) -> None:
    shop.has(stock=100)
    assert is_made_once(shop.answers(shop.lock, [shop.order("k")] * WRITERS), 201)
    assert shop.stock_and_ordered() == [99, 1]


def test_an_order_whose_fifty_processes_die_before_the_response_is_placed_once(shop: Shop) -> None:
    shop.has(stock=100)
    shop.dies(shop.lock, [shop.order("k")] * WRITERS)
    assert shop.stock_and_ordered() == [99, 1]
    again = shop.answer(shop.order("k"))
    assert (again.status, again.headers.get("idempotency-replayed")) == (201, "true")
    assert shop.stock_and_ordered() == [99, 1]


def test_fifty_cancellations_of_an_order_restore_the_stock_once(shop: Shop) -> None:
    shop.has(stock=10)
    order = shop.answer(shop.order("k")).json["id"]
    cancelling = by_admin(
        "PUT /v1/orders/{id}/status", {"status": "cancelled"}, order, If_Match=FIRST_VERSION
    )
    answers = shop.answers(
        f"SELECT FROM orders WHERE id = '{order}' FOR UPDATE", [cancelling] * WRITERS
    )
    assert tally(answers) == {200: 1, "stale": WRITERS - 1}
    assert shop.stock_and_ordered() == [10, 1]


def test_orders_and_cancellations_of_one_person_do_not_deadlock(shop: Shop) -> None:
    """Check the order of locks: each transaction locks the coffee first and then the person's
    trail.
    """
    half = WRITERS // 2
    shop.has(stock=WRITERS)
    made = [shop.answer(shop.order(f"made-{number}")).json["id"] for number in range(half)]
    cancelling = [
        by_admin(
            "PUT /v1/orders/{id}/status", {"status": "cancelled"}, order, If_Match=FIRST_VERSION
        )
        for order in made
    ]
    ordering = [shop.order(f"new-{number}") for number in range(half)]
    assert tally(shop.answers(shop.lock, [*cancelling, *ordering])) == {200: half, 201: half}
    assert shop.stock_and_ordered() == [half, WRITERS]
