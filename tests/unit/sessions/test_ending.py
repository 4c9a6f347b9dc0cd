"""A user ends own sessions; an ended session is refused from then on."""

import json
import uuid
from collections.abc import Sequence
from typing import Any

import pg8000.native
import pytest

from atrium.stores import user_table
from atrium.stores.user_table import Meta
from tests.unit.events import OTHER, UID, Context, answer, api_event
from tests.unit.sessions.requests import (
    DAY,
    HERE,
    NOW,
    OLD,
    PHONE,
    Time,
    call,
    end,
    listed,
    meanwhile,
    outcome,
    stored,
    token,
)
from users import sessions
from users.handler import handler as users
from users.sessions import SessionRecord


def test_an_ended_session_is_refused_and_the_others_go_on(recording: Time) -> None:
    for other in (PHONE, OLD):
        call("GET /v1/me/permissions", other)
    assert end(PHONE).status == 204
    recording.now += 31  # until then a container with META in its cache admits reads
    assert outcome(call("GET /v1/me/permissions", PHONE)) == "401 session_ended"
    assert call("GET /v1/me/permissions", OLD).status == 200
    assert {each["id"] for each in listed()} == {HERE, OLD}
    assert outcome(end(PHONE)) == "404 session_not_found"
    assert outcome(end(str(uuid.uuid4()))) == "404 session_not_found"


def test_a_refreshed_token_of_an_ended_session_is_refused_too(recording: Time) -> None:
    """Check a token that Cognito refreshed: it has another epoch and end, and the same origin_jti."""
    call("GET /v1/me/permissions", PHONE)
    end(PHONE)
    recording.now += 3600
    refused = call("GET /v1/me/permissions", PHONE, jti=str(uuid.uuid4()))
    assert outcome(refused) == "401 session_ended"
    assert "Sign in again" in refused.json["detail"]


def test_a_session_changes_nothing_once_it_has_ended(recording: Time) -> None:
    call("GET /v1/me/permissions", PHONE)  # now this container has META in its cache
    end(PHONE)
    assert outcome(call("PATCH /v1/me", PHONE)) == "401 session_ended"
    assert outcome(end(HERE, by=PHONE)) == "401 session_ended"


def test_a_session_that_ends_during_a_change_changes_nothing(
    recording: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """End the session between the read of META and the write, whose condition fails."""
    call("GET /v1/me/permissions", PHONE)
    living = sessions.living

    def slow(uid: str, meta: Meta) -> list[SessionRecord]:
        monkeypatch.setattr(sessions, "living", living)
        meanwhile(lambda: end(PHONE))
        return living(uid, meta)

    monkeypatch.setattr(sessions, "living", slow)
    assert outcome(end(HERE, by=PHONE)) == "401 token_stale"
    assert [each["id"] for each in listed()] == [HERE]


@pytest.mark.parametrize(
    ("route", "path"),
    [("DELETE /v1/me/sessions", None), ("DELETE /v1/users/{id}/sessions", {"id": OTHER})],
)
@pytest.mark.parametrize("ended", ["this one", "all others"])
def test_a_session_that_ends_just_before_a_write_changes_nothing(
    office: pg8000.native.Connection,
    monkeypatch: pytest.MonkeyPatch,
    route: str,
    path: dict[str, str] | None,
    ended: str,
) -> None:
    """Check the condition: it is part of a change of META, or a separate check beside another
    user's.
    """
    call("GET /v1/me/permissions", OLD)
    transact = user_table.transact

    def slow(items: Sequence[dict[str, Any]]) -> None:
        monkeypatch.setattr(user_table, "transact", transact)
        meanwhile(lambda: end(OLD) if ended == "this one" else call("DELETE /v1/me/sessions"))
        transact(items)

    before = len(stored("AUDIT#"))
    monkeypatch.setattr(user_table, "transact", slow)
    assert outcome(call(route, OLD, path, roles="admin")) == "401 token_stale"
    assert len(stored("AUDIT#")) == before + 1
    own, other = user_table.meta(UID), user_table.meta(OTHER)
    assert own is not None
    assert other is not None
    assert (own.kept_session != OLD, other.sessions_ended_at) == (True, 0)


def test_the_current_session_can_be_ended(recording: Time) -> None:
    listed()
    assert end(HERE).status == 204
    assert outcome(end(HERE)) == "401 session_ended"


def test_ending_all_others_includes_sessions_that_never_called(recording: Time) -> None:
    call("GET /v1/me/permissions", PHONE)
    assert call("DELETE /v1/me/sessions").status == 204
    recording.now += 31
    for other in (PHONE, OLD):
        assert outcome(call("GET /v1/me/permissions", other)) == "401 session_ended"
    assert [each["id"] for each in listed()] == [HERE]
    assert listed(str(uuid.uuid4()), auth_time=int(recording.now))  # after a new sign-in


def test_the_kept_session_can_end_later(recording: Time) -> None:
    listed()
    call("DELETE /v1/me/sessions")
    recording.now += 31
    new = str(uuid.uuid4())
    listed(new, auth_time=int(recording.now))
    recording.now += 1
    event = token(new, auth_time=int(recording.now) - 1)
    assert (
        answer(
            users(api_event("DELETE /v1/me/sessions", None, {"If-Match": "*"}, event), Context())
        ).status
        == 204
    )
    recording.now += 31
    assert outcome(call("GET /v1/me/permissions", HERE)) == "401 session_ended"


def test_ending_all_needs_an_explicit_condition(recording: Time) -> None:
    for tag, code in ((None, "428 if_match_required"), ('"0-0"', "412 stale")):
        headers = {} if tag is None else {"If-Match": tag}
        event = api_event("DELETE /v1/me/sessions", None, headers, token())
        assert outcome(answer(users(event, Context()))) == code


def test_fifty_sessions_can_end_one_by_one_and_no_more(recording: Time) -> None:
    """Check the limit that keeps META within one read unit of 4 KB. Expired entries free space."""
    names = [str(uuid.uuid4()) for _ in range(51)]
    for name in names:
        call("GET /v1/me/permissions", name)
    listed(OLD)
    ended = [outcome(end(name)) for name in names]
    assert ended == ["204"] * 50 + ["409 too_many_ended_sessions"]
    [meta] = user_table.query(f"U#{UID}", prefix="META")
    assert len(json.dumps(meta)) < 4096
    recording.now += 31 * DAY
    later = token(OLD, auth_time=int(recording.now) - 1)
    for other in (OLD, PHONE):
        answer(
            users(
                api_event("GET /v1/me/permissions", token=later | {"origin_jti": other}),
                Context(),
            )
        )
    event = api_event("DELETE /v1/me/sessions/{session}", token=later) | {
        "pathParameters": {"session": PHONE}
    }
    assert answer(users(event, Context())).status == 204
    found = user_table.meta(UID)
    assert found is not None
    assert found.ended_sessions.keys() == {PHONE}


def test_a_denial_lasts_until_the_last_token_of_the_session_ends(recording: Time) -> None:
    call("GET /v1/me/permissions", PHONE)
    end(PHONE)
    found = user_table.meta(UID)
    assert found is not None
    assert found.ended_sessions == {PHONE: NOW + 31 * DAY}


def test_two_concurrent_ends_of_sessions_both_succeed(
    recording: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    for other in (PHONE, OLD):
        call("GET /v1/me/permissions", other)
    living = sessions.living

    def slow(uid: str, meta: Meta) -> list[SessionRecord]:
        monkeypatch.setattr(sessions, "living", living)
        meanwhile(lambda: end(OLD))
        return living(uid, meta)

    monkeypatch.setattr(sessions, "living", slow)
    assert end(PHONE).status == 204
    assert [each["id"] for each in listed()] == [HERE]
