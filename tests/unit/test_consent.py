"""`PUT /v1/me/consent` through the handler, with a real Postgres and moto's table."""

import json
from datetime import datetime
from typing import Any

import pg8000.native
import pytest

from atrium.http.problem import Problem
from atrium.http.request import Request
from atrium.identity.rules import check_consent
from atrium.identity.session import claims_of
from atrium.runtime import config
from pre_token_generation.handler import handler as pre_token_generation
from tests.support.people import new_admin
from tests.unit.events import UID, Context, answer, api_event, claims, trigger_event
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


def call(route: str, body: Any = None, if_match: str = "*", **changed: str) -> Answer:
    sent = {"Content-Type": "application/json", "If-Match": if_match}
    token = claims(**{"roles": "admin"} | changed)
    event = api_event(route, json.dumps(body) if body else None, sent, token)
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


def test_a_new_version_requires_consent_again(monkeypatch: pytest.MonkeyPatch) -> None:
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


def issued() -> dict[str, str]:
    """Return the claims that the trigger adds to the next token, also at a refresh."""
    attributes = {"sub": "ada@example.org", "email": "ada@example.org"}
    event = trigger_event("TokenGeneration_RefreshTokens", attributes)
    details = pre_token_generation(event, Context())["response"]["claimsAndScopeOverrideDetails"]
    added: dict[str, str] = details["accessTokenGeneration"]["claimsToAddOrOverride"]
    return added


@pytest.mark.usefixtures("contract")
def test_enforced_consent_leaves_only_the_own_account_until_it_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = call("GET /v1/users", **issued())
    assert (refused.status, refused.json["code"]) == (403, "consent_required")
    assert "PUT /v1/me/consent" in refused.json["detail"]
    for route in ("GET /v1/me", "GET /v1/me/permissions", "GET /v1/me/sessions"):
        assert call(route, **issued()).status == 200
    given = call("PUT /v1/me/consent", {"version": "2026-01"}, **issued())
    assert given.status == 200, given.text
    assert call("GET /v1/users", **issued()).status == 200
    require("2026-02", monkeypatch)
    assert call("GET /v1/users", **issued()).json["code"] == "consent_required"


@pytest.mark.usefixtures("contract")
def test_consent_is_not_enforced_without_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    require("", monkeypatch)
    assert "needs_consent" not in issued()


def test_a_route_that_begins_like_the_own_account_needs_consent() -> None:
    request = Request(
        "GET",
        "/v1/meals",
        "/v1/meals",
        {},
        {},
        {},
        b"",
        "",
        claims_of(claims(needs_consent="true")),
    )
    with pytest.raises(Problem, match="Accept the terms"):
        check_consent(request)
