"""Operations that require a recent sign-in (`x-atrium-recent-sign-in`), through a service's handler."""

from types import SimpleNamespace

import pytest

from atrium.http import response
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.identity import rules
from atrium.identity.rules import Alternative
from atrium.stores import user_table
from atrium.stores.user_table import Meta
from tests.unit.events import Context, answer, api_event, claims
from tests.unit.service import SELF, service
from tools.laptop.answer import Answer

ROUTE = "DELETE /v1/me"
SIGNED_IN_AT = 1_767_225_600
LIMIT = 300


@pytest.fixture(autouse=True)
def active(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_table, "meta", lambda uid: Meta("active", 1, 1))


def done(_: Request) -> Response:
    return response.json({})


def call(
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    allow: tuple[Alternative, ...] = SELF,
    limit: int | None = LIMIT,
) -> Answer:
    """Send the request this many seconds after the sign-in, with a token that was just refreshed."""
    clock = SimpleNamespace(time=lambda: SIGNED_IN_AT + seconds)
    monkeypatch.setattr(rules, "time", clock)
    handler = service({ROUTE: done}, {ROUTE: allow}, recent_sign_in=limit)
    token = claims(auth_time=str(SIGNED_IN_AT))
    return answer(handler(api_event(ROUTE, token=token), Context()))


@pytest.mark.parametrize(
    ("seconds", "status"), [(-5, 200), (0, 200), (300, 200), (300.5, 401), (86_400, 401)]
)
def test_a_sign_in_older_than_the_rule_is_refused(
    monkeypatch: pytest.MonkeyPatch, seconds: float, status: int
) -> None:
    assert call(monkeypatch, seconds).status == status


def test_a_caller_who_must_sign_in_again_gets_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = call(monkeypatch, 301)
    assert (refused.status, refused.json["code"]) == (401, "recent_sign_in_required")
    assert refused.json["max_age"] == LIMIT
    assert "Sign in again" in refused.json["detail"]
    assert refused.headers["www-authenticate"] == (
        'Bearer error="insufficient_user_authentication", error_description="Sign in again", '
        'max_age="300"'
    )


def test_an_operation_without_the_rule_accepts_any_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    assert call(monkeypatch, 86_400, limit=None).status == 200


def test_a_caller_without_permission_is_not_asked_to_sign_in_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = call(monkeypatch, 301, allow=(Alternative("role", "admin"),))
    assert (refused.status, refused.json["code"]) == (403, "permission_missing")
