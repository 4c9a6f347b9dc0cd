"""The audit trail: one row for each change, wherever it was made, and the lists of events."""

import json
import uuid
from datetime import datetime
from typing import Any

import pg8000.native
import pytest

from atrium.http.request import from_event
from atrium.identity import session
from atrium.stores import audit as audit_items
from atrium.stores import dynamodb, user_table
from attribute_changes.handler import handler as attribute_changes
from audit.handler import handler
from tests.unit.events import OTHER, UID, Context, answer, api_event, claims
from tools.laptop.answer import Answer


def call(
    route: str = "GET /v1/audit-events",
    roles: str = "admin",
    of: str | None = None,
    accept: str = "*/*",
    **query: str,
) -> Answer:
    asked = {name.rstrip("_"): [value] for name, value in query.items()}
    event = api_event(route, None, {"Accept": accept}, claims(roles=roles), asked)
    return answer(handler(event | {"pathParameters": of and {"id": of}}, Context()))


def actions(*arguments: Any, **query: str) -> list[str]:
    got = call(*arguments, **query)
    assert got.status == 200, got.text
    return [each["action"] for each in got.json["items"]]


@pytest.fixture
def trail(database: pg8000.native.Connection, table: Any) -> pg8000.native.Connection:
    """Write five events, a second apart: four about two users, and one about no user."""
    user_table.create_meta(UID)
    user_table.create_signing_key("cursor", 1, b"k" * 32)
    for number, (uid, actor) in enumerate(
        [(UID, UID), (OTHER, UID), (None, UID), (OTHER, OTHER), (UID, OTHER)]
    ):
        add(database, 1_767_225_600_000 + number * 1000, uid, actor, f"thing.{number}")
    return database


def add(
    database: pg8000.native.Connection, at: int, uid: str | None, actor: str, action: str
) -> None:
    database.run(
        "INSERT INTO audit_events (id, uid, actor, action, changes, request_id) "
        "VALUES (:id, :uid, :actor, :action, '{\"fields\": [\"locale\"]}', 'r-1')",
        id=str(uuid.UUID(int=at << 80 | 0x7 << 76 | 0x8 << 60 | 5)),
        uid=uid,
        actor=actor,
        action=action,
    )


def test_the_newest_event_comes_first(trail: pg8000.native.Connection) -> None:
    assert actions() == ["thing.4", "thing.3", "thing.2", "thing.1", "thing.0"]
    first = call().json["items"][2]
    assert first.pop("at")
    assert first == {
        "id": "019b76da-afd0-7000-8000-000000000005",
        "uid": None,
        "actor": UID,
        "action": "thing.2",
        "changes": {"fields": ["locale"]},
        "request_id": "r-1",
    }


def test_the_list_is_filtered(trail: pg8000.native.Connection) -> None:
    assert actions(actor=OTHER) == ["thing.4", "thing.3"]
    assert actions(action="thing.1") == ["thing.1"]
    assert actions(from_="2026-01-01T00:00:03Z") == ["thing.4", "thing.3"]
    assert actions(from_="2026-01-01T01:00:02.5+01:00", actor=UID) == []
    assert actions("GET /v1/users/{id}/audit-events", of=OTHER) == ["thing.3", "thing.1"]
    assert actions("GET /v1/users/{id}/audit-events", of=OTHER, actor=UID) == ["thing.1"]
    assert actions("GET /v1/me/audit-events", "") == ["thing.4", "thing.0"]


@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson"])
def test_every_event_is_on_one_page(trail: pg8000.native.Connection, accept: str) -> None:
    found, cursor = list[Any](), dict[str, str]()
    while True:
        page = call(accept=accept, limit="2", **cursor)
        assert page.headers["content-type"] == accept
        is_json = accept.endswith("/json")
        found += page.json["items"] if is_json else map(json.loads, page.text.splitlines())
        if "link" not in page.headers:
            break
        cursor = {"cursor": page.headers["link"].partition("cursor=")[2].partition(">")[0]}
    assert [each["action"] for each in found] == [f"thing.{number}" for number in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize("route", ["GET /v1/audit-events", "GET /v1/users/{id}/audit-events"])
def test_the_audit_trail_needs_the_permission(trail: pg8000.native.Connection, route: str) -> None:
    refused = call(route, "", of=UID)
    assert (refused.status, refused.json["code"]) == (403, "permission_missing")


def test_a_user_cannot_filter_their_own_events_by_actor(trail: pg8000.native.Connection) -> None:
    """Check that a user's own list refuses the parameter `actor`."""
    assert call("GET /v1/me/audit-events", actor=OTHER).status == 400


def change(action: str, uid: str | None) -> dict[str, Any]:
    """Return a stream record: a change of the table by the caller of a request."""
    request = from_event(api_event("PUT /v1/roles/{role}", token=claims()))
    request.claims = session.claims_of(claims())
    item = audit_items.entry(request, action, {"role": "editor"}, uid)["Put"]["Item"]
    return {"eventName": "INSERT", "dynamodb": {"SequenceNumber": "1", "NewImage": item}}


def test_changes_of_the_table_are_recorded_once(trail: pg8000.native.Connection) -> None:
    records = [change("role.changed", None), change("role.granted", OTHER)]
    for _ in range(2):  # the stream delivers a batch twice
        assert attribute_changes({"Records": records}, Context()) == {"batchItemFailures": []}
    assert set(actions()[:2]) == {"role.granted", "role.changed"}
    assert len(actions()) == 7
    [row] = trail.run(
        "SELECT uid::text, actor, changes, request_id, position FROM audit_events WHERE action = 'role.granted'"
    )
    assert row == [OTHER, UID, {"role": "editor"}, "c6af9ac6-7b61-11e6-9a41-93e8deadbeef", 3]
    written = dynamodb.plain(records[1]["dynamodb"]["NewImage"])["at"]
    [shown] = call(action="role.granted").json["items"]
    assert datetime.fromisoformat(shown["at"]) == datetime.fromisoformat(written)


def test_a_failed_write_of_the_audit_trail_is_retried(
    trail: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = change("role.changed", None)
    trail.run("ALTER TABLE audit_events RENAME TO away")
    try:
        failed = attribute_changes({"Records": [record]}, Context())
    finally:
        trail.run("ALTER TABLE away RENAME TO audit_events")
    assert failed == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    attribute_changes({"Records": [record]}, Context())
    assert actions()[0] == "role.changed"
