"""`PUT /v1/me/consent` through the handler, with a real Postgres and moto's table."""

import json
from datetime import datetime
from typing import Any

import pg8000.native
import pytest

from atrium.runtime import config
from tests.support.people import new_admin
from tests.unit.events import UID, Context, answer, api_event, claims
from tools.laptop.answer import Answer
from users.handler import handler


@pytest.fixture(autouse=True)
def office(
    database: pg8000.native.Connection, table: Any, monkeypatch: pytest.MonkeyPatch
) -> pg8000.native.Connection:
    new_admin(database, UID, "ada@example.org")
    require("2026-01", monkeypatch)
    return database


def require(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change the setting, as a deploy does."""
    monkeypatch.setenv("REQUIRED_CONSENT_VERSION", version)
    config.optional.cache_clear()


def call(route: str, body: Any = None, if_match: str = "*") -> Answer:
    sent = {"Content-Type": "application/json", "If-Match": if_match}
    event = api_event(route, json.dumps(body) if body else None, sent, claims(roles="admin"))
    return answer(handler(event, Context()))


def give(version: str, if_match: str = "*") -> Answer:
    return call("PUT /v1/me/consent", {"version": version}, if_match)


def test_a_consent_is_recorded_with_its_time_and_in_the_trail(
    office: pg8000.native.Connection,
) -> None:
    before = call("GET /v1/me").json
    assert (before["consent_version"], before["consented_at"]) == (None, None)
    assert (before["required_consent_version"], before["consent_required"]) == ("2026-01", True)
    given = give("2026-01")
    assert given.status == 200, given.text
    assert (given.json["consent_version"], given.json["consent_required"]) == ("2026-01", False)
    [[recorded]] = office.run("SELECT consented_at FROM users WHERE uid = :uid", uid=UID)
    assert datetime.fromisoformat(given.json["consented_at"]) == recorded
    assert call("GET /v1/me").json == given.json
    trail = office.run("SELECT actor, changes FROM audit_events WHERE action = 'user.consented'")
    assert trail == [[UID, {"consent_version": "2026-01"}]]


def test_a_repetition_keeps_the_time(office: pg8000.native.Connection) -> None:
    tag = call("GET /v1/me").headers["etag"]
    first = give("2026-01", tag)
    assert first.status == 200, first.text
    for if_match in (tag, "*"):
        again = give("2026-01", if_match)
        assert (again.status, again.json) == (200, first.json)
    [[events]] = office.run("SELECT count(*) FROM audit_events WHERE action = 'user.consented'")
    assert events == 1


def test_a_new_version_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tag = give("2026-01").headers["etag"]
    require("2026-02", monkeypatch)
    shown = call("GET /v1/me")
    assert shown.json["consent_required"] is True
    assert shown.headers["etag"] != tag
    assert give("2026-02", tag).status == 412
    assert give("2026-02").json["consent_required"] is False


def test_only_the_version_in_force_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = give("2025-07")
    assert (refused.status, refused.json["code"]) == (422, "consent_outdated")
    [error] = refused.json["errors"]
    assert (error["pointer"], "2026-01" in error["detail"]) == ("#/version", True)
    assert give("two words").status == 422
    assert call("GET /v1/me").json["consent_version"] is None
    require("", monkeypatch)
    assert give("2025-07\n").status == 422
    assert give("2025-07").json["consent_version"] == "2025-07"
