"""Recording of sessions by any request, and their list."""

import uuid
from typing import Any

import pytest

from atrium.http import response
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.identity import session, session_records
from atrium.stores import user_table
from tests.unit.conftest import Logs
from tests.unit.events import Context, answer, api_event
from tests.unit.service import SELF, service
from tests.unit.sessions.requests import HERE, NOW, PHONE, Time, call, listed, token


def test_a_session_is_in_the_list_from_its_first_request_on(recording: Time) -> None:
    call("GET /v1/me/permissions", PHONE, device="Safari " + "x" * 300, auth_time=NOW + 60)
    recording.now += 1000
    assert listed() == [
        {
            "id": PHONE,
            "device": ("Safari " + "x" * 300)[:200],
            "signed_in_at": "2026-01-01T00:01:00Z",
            "first_seen_at": "2026-01-01T00:01:40Z",
            "last_seen_at": "2026-01-01T00:01:40Z",
            "current": False,
        },
        {
            "id": HERE,
            "device": "Firefox",
            "signed_in_at": "2026-01-01T00:00:00Z",
            "first_seen_at": "2026-01-01T00:18:20Z",
            "last_seen_at": "2026-01-01T00:18:20Z",
            "current": True,
        },
    ]


def test_every_service_records_sessions(recording: Time) -> None:
    def done(_: Request) -> Response:
        return response.json({})

    handler = service({"GET /v1/things": done}, {"GET /v1/things": SELF})
    event = api_event("GET /v1/things", None, {"User-Agent": "curl/8"}, token(PHONE))
    assert answer(handler(event, Context())).status == 200
    assert [(each["id"], each["device"]) for each in listed()] == [
        (PHONE, "curl/8"),
        (HERE, "Firefox"),
    ]


def test_a_session_is_written_once_in_ten_minutes_and_never_read(
    recording: Time, logs: Logs
) -> None:
    """Check the calls: first META's read and the record, then none, because both are cached."""
    call("GET /v1/me/permissions", PHONE)  # fills the container's caches with everything else
    session.cache.clear()
    logs.lines()
    calls = []
    for passed in (0, 1, 28, 600, 1):
        recording.now += passed
        call("GET /v1/me/permissions")
        calls.append(logs.line()["dynamodb_calls"])
    own = calls[1]  # the operation's own call
    assert [each - own for each in calls] == [2, 0, 0, 2, 0]
    only = next(each for each in listed() if each["current"])
    assert (only["first_seen_at"], only["last_seen_at"]) == (
        "2026-01-01T00:01:40Z",
        "2026-01-01T00:12:09Z",
    )


def test_another_container_does_not_record_the_session_again(recording: Time) -> None:
    call("GET /v1/me/permissions")
    session_records.cache.clear()
    recording.now += 599
    call("GET /v1/me/permissions", device="another")
    [only] = listed()
    assert (only["device"], only["last_seen_at"]) == ("Firefox", "2026-01-01T00:01:40Z")


def test_a_session_that_cannot_be_recorded_is_accepted(
    recording: Time, monkeypatch: pytest.MonkeyPatch, logs: Logs
) -> None:
    def broken(*_: object, **__: object) -> bool:
        raise user_table.TableUnavailableError("throttled")

    with monkeypatch.context() as patch:
        patch.setattr(user_table, "update", broken)
        assert call("GET /v1/me/permissions").status == 200
    assert [line["message"] for line in logs.lines()] == ["session not recorded", "request"]


def test_the_list_has_pages(recording: Time) -> None:
    names = [str(uuid.uuid4()) for _ in range(5)]
    for number, name in enumerate(names):
        call("GET /v1/me/permissions", name, auth_time=NOW + number // 2)
    found, query = list[Any](), {"limit": ["2"]}
    while True:
        page = call("GET /v1/me/sessions", names[0], query=query).json
        found += [(each["signed_in_at"], each["id"]) for each in page["items"]]
        if page["next_cursor"] is None:
            break
        query = {"limit": ["2"], "cursor": [page["next_cursor"]]}
    assert sorted(found, reverse=True) == found
    assert {id for _, id in found} == set(names)
    assert len(found) == 5
