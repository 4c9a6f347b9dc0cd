"""Sessions of a user, listed and ended by an administrator."""

import json
import uuid
from typing import Any

import pg8000.native
import pytest

from atrium.identity import commands, grant_items, grants
from atrium.stores import user_table
from identity_commands import cognito
from identity_commands.performance import perform
from tests.support.people import new_user, role_grant
from tests.unit.events import OTHER, UID
from tests.unit.sessions.requests import (
    HERE,
    OLD,
    PHONE,
    Time,
    call,
    outcome,
    stored,
)
from tools.laptop.answer import Answer


def by_admin(route: str, **path: str) -> Answer:
    return call(route, HERE, {"id": OTHER, **path}, roles="admin")


def test_an_administrator_sees_and_ends_a_session_of_a_user(
    office: pg8000.native.Connection, recording: Time
) -> None:
    [only] = by_admin("GET /v1/users/{id}/sessions").json["items"]
    assert (only["id"], only["current"]) == (PHONE, False)
    assert by_admin("DELETE /v1/users/{id}/sessions/{session}", session=PHONE).status == 204
    recording.now += 31
    assert outcome(call("GET /v1/me/permissions", PHONE, uid=OTHER)) == "401 session_ended"
    assert by_admin("GET /v1/users/{id}/sessions").json["items"] == []


def test_ending_all_sessions_of_a_user_signs_them_out_at_cognito(
    office: pg8000.native.Connection, recording: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert by_admin("DELETE /v1/users/{id}/sessions").status == 204
    recording.now += 31
    assert outcome(call("GET /v1/me/permissions", PHONE, uid=OTHER)) == "401 session_ended"
    [command] = stored("COMMAND#")
    asked = list[tuple[str, str]]()
    monkeypatch.setattr(cognito, "provider", lambda: "cognito:eu-central-1_AbCdEfGhI")
    monkeypatch.setattr(
        cognito, "call", lambda operation, **user: asked.append((operation, user["Username"]))
    )
    perform(command)
    assert asked == [("admin_user_global_sign_out", "grace@example.org")]
    ended = user_table.item(*commands.key(command["pk"].removeprefix("COMMAND#")))
    assert ended is not None
    assert ended["outcome"] == "succeeded"


def test_the_audit_trail_names_who_ended_which_session(office: pg8000.native.Connection) -> None:
    by_admin("DELETE /v1/users/{id}/sessions/{session}", session=PHONE)
    by_admin("DELETE /v1/users/{id}/sessions")
    call("DELETE /v1/me/sessions", roles="admin")
    assert [(each["uid"], each["actor"], each["action"], json.loads(each["changes"])) for each in stored("AUDIT#")] == [
        (OTHER, UID, "session.ended", {"session": PHONE}),
        (OTHER, UID, "sessions.ended", {}),
        (UID, UID, "sessions.ended", {"kept": HERE}),
    ]  # fmt: skip


def test_a_caller_who_cannot_change_a_user_cannot_end_their_sessions(
    office: pg8000.native.Connection,
) -> None:
    """Let Grace, who may write users, try to end sessions of the administrator Ada."""
    put({"pk": "R#clerk", "sk": "META", "version": 1})
    put({"pk": "R#clerk", "sk": "PERM#users.write", "permission": "users.write"})
    for route in ("DELETE /v1/users/{id}/sessions", "DELETE /v1/users/{id}/sessions/{session}"):
        path = {"id": UID, "session": HERE}
        refused = call(route, PHONE, path, uid=OTHER, roles="clerk")
        assert outcome(refused) == "403 admin_required"


@pytest.mark.parametrize(
    "route", ["DELETE /v1/users/{id}/sessions", "DELETE /v1/users/{id}/sessions/{session}"]
)
def test_a_user_who_gains_rights_meanwhile_keeps_their_sessions(
    office: pg8000.native.Connection,
    recording: Time,
    monkeypatch: pytest.MonkeyPatch,
    route: str,
) -> None:
    """Make Eve an administrator after her rights were compared with those of Grace."""
    put({"pk": "R#clerk", "sk": "META", "version": 1})
    put({"pk": "R#clerk", "sk": "PERM#users.write", "permission": "users.write"})
    user_table.transact([{"Delete": {"Key": grant_items.at((f"G#{OTHER}", "*#ROLE#admin"))}}])
    user_table.transact(grants.puts(role_grant(OTHER, "clerk")))
    eve = str(uuid.uuid4())
    new_user(office, eve, "eve@example.org")
    call("GET /v1/me/permissions", OLD, uid=eve)
    transact, made = user_table.transact, list[bool]()

    def be_late(items: Any) -> None:
        if not made:
            made.append(True)
            key = grant_items.at((f"U#{eve}", "META"))
            rises: dict[str, Any] = {
                "Key": key,
                "UpdateExpression": "ADD access_epoch :one, version :one",
            }
            rises["ExpressionAttributeValues"] = {":one": {"N": "1"}}
            transact([*grants.puts(role_grant(eve, "admin")), {"Update": rises}])
        transact(items)

    with monkeypatch.context() as late:
        late.setattr(user_table, "transact", be_late)
        refused = call(route, PHONE, {"id": eve, "session": OLD}, uid=OTHER, roles="clerk")
    assert outcome(refused) == "403 admin_required"
    [only] = call("GET /v1/users/{id}/sessions", HERE, {"id": eve}, roles="admin").json["items"]
    assert only["id"] == OLD


def put(item: dict[str, Any]) -> None:
    texts = {
        name: {"N": str(value)} if isinstance(value, int) else {"S": value}
        for name, value in item.items()
    }
    user_table.transact([{"Put": {"Item": texts}}])


@pytest.mark.parametrize("status", ["deleted", None])
def test_sessions_of_a_deleted_user_are_404(
    office: pg8000.native.Connection, status: str | None
) -> None:
    if status is None:
        user_table.transact([{"Delete": {"Key": meta_key()}}])
    else:
        put({"pk": f"U#{OTHER}", "sk": "META", "status": status, "access_epoch": 1, "version": 1})
    for route in ("GET", "DELETE"):
        assert outcome(by_admin(f"{route} /v1/users/{{id}}/sessions")) == "404 user_not_found"


def meta_key() -> dict[str, Any]:
    return {"pk": {"S": f"U#{OTHER}"}, "sk": {"S": "META"}}
