"""The cost of a warm GET of `users`: round trips, and bytecode instructions as recorded.

A container is warm after its first request of a route.
"""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from threading import get_ident
from typing import Any

import pg8000.native
import pytest

from atrium.stores import dynamodb, user_table
from bench.warm import baseline
from bench.warm.bytecode import counting
from tests.unit.conftest import ROOT, Logs
from tests.unit.events import OTHER, UID, Context, api_event, claims
from users.handler import ROUTES, handler

PACKAGES = Path(pg8000.native.__file__).parents[1]
COUNTED = [
    str(ROOT / "functions"),
    *(str(PACKAGES / name) for name in ("botocore", "pg8000")),
]
OPERATION = str(uuid.UUID(int=1))
GETS = [route for route in ROUTES if route.startswith("GET ")]
IDS = {
    "GET /v1/users/{id}": OTHER,
    "GET /v1/users/{id}/sessions": OTHER,
    "GET /v1/users/{id}/mfa": OTHER,
    "GET /v1/invitations/{id}": OPERATION,
    "GET /v1/operations/{id}": OPERATION,
}


@pytest.fixture
def people(database: pg8000.native.Connection, table: Any) -> None:
    """Two users, an operation and the invitation that it sends."""
    for uid, name in ((UID, "ada"), (OTHER, "grace")):
        database.run(
            "INSERT INTO users (uid, email) VALUES (:uid, :email)",
            uid=uid,
            email=f"{name}@example.org",
        )
        user_table.create_meta(uid)
    database.run(
        "INSERT INTO operations (id, kind, uid, actor) VALUES (:id, 'user.invite', :uid, :actor)",
        id=OPERATION,
        uid=OTHER,
        actor=UID,
    )
    database.run(
        "INSERT INTO invitations (id, uid, operation, actor, expires_at)"
        " VALUES (:id, :uid, :id, :actor, now() + interval '1 day')",
        id=OPERATION,
        uid=OTHER,
        actor=UID,
    )


def get(route: str) -> None:
    event = api_event(route, token=claims(roles="admin"))
    event["pathParameters"] = {"id": IDS[route]} if route in IDS else None
    answered = handler(event, Context())
    assert answered["statusCode"] == 200, answered["body"]


@pytest.fixture
def own_calls(aws: Any) -> Iterator[list[int]]:
    """Collect the calls to DynamoDB by thread. Calls in other threads are concurrent with ours."""
    calls: list[int] = []
    events = dynamodb.client().meta.events
    events.register("before-call.dynamodb", note := lambda **_: calls.append(get_ident()))
    yield calls
    events.unregister("before-call.dynamodb", note)


@pytest.mark.usefixtures("people")
def test_each_get_takes_at_most_one_round_trip_to_each_store(
    logs: Logs, own_calls: list[int]
) -> None:
    costs = {}
    for route in GETS:
        get(route)
        own_calls.clear()
        get(route)
        line = logs.lines()[-1]
        assert line["dynamodb_calls"] == len(own_calls) <= 2
        costs[route] = (line["sql_round_trips"], own_calls.count(get_ident()))
    assert {route: cost for route, cost in costs.items() if max(cost) > 1} == {}
    assert {sum(cost) for cost in costs.values()} == {1, 2}  # the counters count


@pytest.mark.usefixtures("people")
def test_no_get_executes_more_instructions_than_recorded() -> None:
    counts = {}
    for route in GETS:
        get(route)
        get(route)
        with counting(COUNTED) as count:
            get(route)
        counts[route] = count.instructions
    if os.environ.get("RECORD_WARM_PATH"):
        baseline.write(counts)
    complaints = list(baseline.complaints(counts, baseline.read()))
    assert not complaints, "\n".join(complaints)


def test_an_increase_of_four_percent_is_reported_and_a_smaller_one_is_not() -> None:
    before = {"GET /v1/me": 1000}
    assert list(baseline.complaints({"GET /v1/me": 900}, before)) == []
    assert list(baseline.complaints({"GET /v1/me": 1030}, before)) == []
    [complaint] = baseline.complaints({"GET /v1/me": 1040}, before)
    assert "GET /v1/me executes 1,040" in complaint
    assert "make record-warm-path" in complaint
    [complaint] = baseline.complaints({"GET /v1/new": 1}, before)
    assert "recorded are 0" in complaint
