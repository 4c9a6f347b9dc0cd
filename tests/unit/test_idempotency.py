"""Idempotent creation through a route, with a real Postgres and the real migrations."""

import json
import threading
from typing import Any

import msgspec
import pg8000.native
import pytest

from atrium.http import response
from atrium.http.problem import Problem
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.runtime.uuid7 import uuid7
from atrium.stores import idempotency, postgres, user_table
from atrium.stores.idempotency import NothingMadeError
from atrium.stores.pipeline import PipelinedConnection
from atrium.stores.postgres import Statement
from atrium.stores.user_table import Meta
from tests.unit.conftest import Logs, wait_until_blocked
from tests.unit.events import UID, Context, answer, api_event, claims
from tests.unit.service import SELF, service
from tools.laptop.answer import Answer

OTHER = "01890a5d-ac96-774b-bcce-b302099a8058"
INSERT = "INSERT INTO users (uid, email) VALUES (:uid::uuid, :email)"
FIND = "SELECT uid AS id, email, created_at FROM users WHERE uid = :uid::uuid AND email <> 'nobody@example.org'"


class Invitation(msgspec.Struct, forbid_unknown_fields=True):
    email: str


def invite(request: Request) -> Response:
    uid, email = uuid7(), request.decode(Invitation).email
    try:
        made = idempotency.once(
            request,
            [Statement(INSERT, {"uid": uid, "email": email})],
            Statement(FIND, {"uid": uid}),
        )
    except postgres.UniqueViolationError as taken:
        raise Problem(409, "email_taken", str(taken.constraint)) from None
    except NothingMadeError:
        raise Problem(409, "nobody", "Nobody is not invited.") from None
    return response.json(
        made.row,
        201,
        headers={"Location": request.href(f"/v1/users/{made.row['id']}"), **made.headers},
    )


ROUTE = "POST /v1/teams/{id}/users"
handler = service({ROUTE: invite, "POST /v1/users": invite}, {ROUTE: SELF, "POST /v1/users": SELF})


def post(
    email: str = "ada@example.org", key: str | None = "k-1", uid: str = UID, **changed: Any
) -> Answer:
    headers = {"Content-Type": "application/json"} | (
        {} if key is None else {"Idempotency-Key": key}
    )
    event = api_event(ROUTE, json.dumps({"email": email}), headers, token=claims(uid=uid))
    return answer(handler(event | {"pathParameters": {"id": "7"}} | changed, Context()))


@pytest.fixture(autouse=True)
def users(
    database: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> pg8000.native.Connection:
    monkeypatch.setattr(user_table, "meta", lambda uid: Meta("active", 1, 1))
    return database


def count(users: pg8000.native.Connection) -> int:
    [[found]] = users.run("SELECT count(*) FROM users")
    return int(found)


def test_a_repeated_request_gets_the_same_bytes_and_creates_nothing(
    users: pg8000.native.Connection, logs: Logs
) -> None:
    first, again = post(), post()
    assert (first.status, again.status, count(users)) == (201, 201, 1)
    assert again.text == first.text
    assert (
        again.headers["location"]
        == first.headers["location"]
        == f"/dev/v1/users/{first.json['id']}"
    )
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert [line["sql_round_trips"] for line in logs.lines()] == [1, 2]


def test_a_missing_key_is_400_and_the_header_is_named(users: pg8000.native.Connection) -> None:
    refused = post(key=None)
    assert (refused.status, refused.json["code"]) == (400, "idempotency_key_missing")
    assert [error["header"] for error in refused.json["errors"]] == ["Idempotency-Key"]
    assert count(users) == 0


@pytest.mark.parametrize("key", ["x" * 256, '"two words"', "two words", "a,\tb", "é", "\x7f"])
def test_a_key_that_is_too_long_or_not_visible_ascii_is_refused(key: str) -> None:
    refused = post(key=key)
    assert (refused.status, refused.json["code"]) == (400, "idempotency_key_invalid")


@pytest.mark.parametrize(
    ("sent", "same"), [('"k-1"', "k-1"), ('  "k-1" ', "k-1"), (r'"a\"\\b"', r'a"\b')]
)
def test_a_quoted_key_and_a_bare_one_are_the_same(
    users: pg8000.native.Connection, sent: str, same: str
) -> None:
    first, second = post(key=sent), post(key=same)
    assert (first.status, second.status, first.json) == (201, 201, second.json)
    assert second.headers["idempotency-replayed"] == "true"


def test_another_body_or_path_under_the_same_key_is_422(users: pg8000.native.Connection) -> None:
    assert post().status == 201
    for other in (post("eve@example.org"), post(pathParameters={"id": "8"})):
        assert (other.status, other.json["code"]) == (422, "idempotency_key_reused")
        assert [error["header"] for error in other.json["errors"]] == ["Idempotency-Key"]
    assert count(users) == 1


def test_a_key_belongs_to_one_caller_and_one_route(users: pg8000.native.Connection) -> None:
    assert post("ada@example.org").status == 201
    assert post("eve@example.org", uid=OTHER).status == 201
    assert post("joe@example.org", resource="/v1/users").status == 201
    assert count(users) == 3


def test_a_refused_operation_leaves_the_key_free(users: pg8000.native.Connection) -> None:
    users.run("INSERT INTO users (uid, email) VALUES (gen_random_uuid(), 'ada@example.org')")
    assert (post().status, post().json["code"]) == (409, "email_taken")
    assert post("nobody@example.org").json["code"] == "nobody"
    assert users.run("SELECT count(*) FROM idempotency_keys") == [[0]]
    assert count(users) == 1
    assert post("eve@example.org").status == 201


def test_a_record_is_valid_for_24_hours(users: pg8000.native.Connection) -> None:
    post()
    [[hours]] = users.run(
        "SELECT extract(epoch FROM expires_at - now()) / 3600 FROM idempotency_keys"
    )
    assert 23.9 < hours <= 24
    users.run("UPDATE idempotency_keys SET expires_at = now()")
    assert post("eve@example.org").status == 201
    assert users.run("SELECT count(*) FROM idempotency_keys") == [[1]]
    assert post("eve@example.org").headers["idempotency-replayed"] == "true"


def claim(connection: pg8000.native.Connection) -> None:
    """Let another session claim the key in a transaction that is still open."""
    connection.run("BEGIN")
    connection.run(
        "INSERT INTO idempotency_keys (caller, route, key, fingerprint, expires_at)"
        " VALUES (:caller, :route, 'k-1', 'x', now() + interval '1 day')",
        caller=UID,
        route=ROUTE,
    )


def test_a_request_still_in_flight_is_409(users: pg8000.native.Connection) -> None:
    postgres.query("SET lock_timeout = '50ms'")
    claim(users)
    try:
        refused = post()
    finally:
        users.run("ROLLBACK")
    assert (refused.status, refused.json["code"]) == (409, "idempotency_in_flight")
    assert "retry-after" in refused.headers
    assert post().status == 201


def test_a_lock_held_by_others_is_503_and_not_a_conflict_of_the_key(
    users: pg8000.native.Connection,
) -> None:
    postgres.query("SET lock_timeout = '50ms'")
    users.run("BEGIN")
    users.run("INSERT INTO users (uid, email) VALUES (gen_random_uuid(), 'ada@example.org')")
    try:
        refused = post()
    finally:
        users.run("ROLLBACK")
    assert (refused.status, refused.json["code"]) == (503, "unavailable")
    assert "retry-after" in refused.headers
    assert post().status == 201


def test_a_concurrent_repeat_gets_the_response_of_the_first(
    users: pg8000.native.Connection,
) -> None:
    """Let the first commit while the second waits for its index entry.

    If the first were rolled back, the second would do the work.
    """
    answers: list[Answer] = []
    claim(users)
    thread = threading.Thread(target=lambda: answers.append(post()))
    thread.start()
    wait_until_blocked(users, 1)
    users.run("ROLLBACK")
    thread.join(60)
    assert [each.status for each in answers] == [201]
    assert "idempotency-replayed" not in answers[0].headers


def test_a_crash_between_the_work_and_the_response_creates_nothing_twice(
    users: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lose the answer of the commit: a retry gets the stored response."""
    execute = PipelinedConnection.execute

    def lose(*arguments: Any) -> Any:
        execute(*arguments)
        raise OSError("connection reset")

    with monkeypatch.context() as patch:
        patch.setattr(PipelinedConnection, "execute", lose)
        lost = post()
    again = post()
    assert (lost.status, again.status, count(users)) == (503, 201, 1)
    assert again.headers["idempotency-replayed"] == "true"
