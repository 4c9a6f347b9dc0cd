"""The sessions of a user: recorded by any request, listed and ended through the handler of `users`."""

import json
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pg8000.native
import pytest

from atrium.http import response
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.identity import grant_items, grants, session, session_records
from atrium.runtime import clock
from atrium.stores import commands, dynamodb, user_table
from atrium.stores.user_table import Meta
from identity_commands import cognito
from identity_commands.performance import perform
from tests.support.people import new_admin, new_user, role_grant
from tests.unit.conftest import TABLE, Logs
from tests.unit.events import OTHER, UID, Context, answer, api_event, claims
from tests.unit.service import SELF, service
from tools.laptop.answer import Answer
from users import sessions
from users.handler import handler as users
from users.sessions import SessionRecord

NOTE = session_records.note  # before conftest's fixture replaces it
NOW = 1_767_225_600
DAY = 86_400
HERE, PHONE, OLD = (f"4ff8dc4e-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))


class Time:
    """The clocks of everything that dates sessions."""

    now: float = NOW + 100

    def time(self) -> float:
        return self.now

    monotonic = time


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    for module in (clock, session_records, sessions):
        monkeypatch.setattr(module, "time", made)
    return made


@pytest.fixture
def recording(monkeypatch: pytest.MonkeyPatch, at: Time, table: Any) -> Time:
    monkeypatch.setattr(session_records, "note", NOTE)
    user_table.create_meta(UID)
    return at


def token(session: str = HERE, auth_time: int = NOW, **changed: str) -> dict[str, str]:
    return claims(origin_jti=session, auth_time=str(auth_time), **changed)


def call(
    route: str,
    session: str = HERE,
    path: dict[str, str] | None = None,
    query: dict[str, list[str]] | None = None,
    device: str = "Firefox",
    auth_time: int = NOW,
    **changed: str,
) -> Answer:
    headers = {"User-Agent": device} | ({"If-Match": "*"} if route.startswith("DELETE") else {})
    event = api_event(route, None, headers, token(session, auth_time, **changed), query)
    return answer(users(event | {"pathParameters": path}, Context()))


def listed(session: str = HERE, **named: Any) -> list[Any]:
    got = call("GET /v1/me/sessions", session, **named)
    assert got.status == 200, got.text
    return list(got.json["items"])


def end(session: str, by: str = HERE) -> Answer:
    return call("DELETE /v1/me/sessions/{session}", by, {"session": session})


def meanwhile(request: Callable[[], Answer]) -> None:
    """Send a request while another one is served."""
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(request).result().status == 204


def outcome(got: Answer) -> str:
    return f"{got.status} {got.json['code']}" if got.text else str(got.status)


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
    """META's read and the record; then nothing, while the container remembers both."""
    call("GET /v1/me/permissions", PHONE)  # so that all else is in the container's memory
    session.cache.clear()
    logs.lines()
    calls = []
    for passed in (0, 1, 28, 600, 1):
        recording.now += passed
        call("GET /v1/me/permissions")
        calls.append(logs.line()["dynamodb_calls"])
    own = calls[1]  # of the operation itself
    assert [each - own for each in calls] == [2, 0, 0, 2, 0]
    only = next(each for each in listed() if each["current"])
    assert (only["first_seen_at"], only["last_seen_at"]) == (
        "2026-01-01T00:01:40Z",
        "2026-01-01T00:12:09Z",
    )


def test_another_container_does_not_write_again(recording: Time) -> None:
    call("GET /v1/me/permissions")
    session_records.cache.clear()
    recording.now += 599
    call("GET /v1/me/permissions", device="another")
    [only] = listed()
    assert (only["device"], only["last_seen_at"]) == ("Firefox", "2026-01-01T00:01:40Z")


def test_a_session_that_cannot_be_recorded_works(
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


@pytest.fixture(autouse=True)
def key(request: pytest.FixtureRequest) -> None:
    """A key that signs the list's cursors."""
    if "recording" in request.fixturenames:
        request.getfixturevalue("recording")
        user_table.create_signing_key("cursor", 1, b"k" * 32)


def test_an_ended_session_is_refused_and_the_others_go_on(recording: Time) -> None:
    for other in (PHONE, OLD):
        call("GET /v1/me/permissions", other)
    assert end(PHONE).status == 204
    recording.now += 31  # a container that had read META admits reads until then
    assert outcome(call("GET /v1/me/permissions", PHONE)) == "401 session_ended"
    assert call("GET /v1/me/permissions", OLD).status == 200
    assert {each["id"] for each in listed()} == {HERE, OLD}
    assert outcome(end(PHONE)) == "404 session_not_found"
    assert outcome(end(str(uuid.uuid4()))) == "404 session_not_found"


def test_a_refreshed_token_of_an_ended_session_is_refused_too(recording: Time) -> None:
    """Cognito goes on refreshing: the token has another epoch and end, and the same origin_jti."""
    call("GET /v1/me/permissions", PHONE)
    end(PHONE)
    recording.now += 3600
    refused = call("GET /v1/me/permissions", PHONE, jti=str(uuid.uuid4()))
    assert outcome(refused) == "401 session_ended"
    assert "Sign in again" in refused.json["detail"]


def test_an_ended_session_changes_nothing_from_that_moment_on(recording: Time) -> None:
    call("GET /v1/me/permissions", PHONE)  # this container has META in its cache
    end(PHONE)
    assert outcome(call("PATCH /v1/me", PHONE)) == "401 session_ended"
    assert outcome(end(HERE, by=PHONE)) == "401 session_ended"


def test_a_session_that_ends_while_a_change_is_served_changes_nothing(
    recording: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end comes between META's read and the write, whose condition sees it."""
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
    """The condition is part of the change of META, or a check of its own beside another user's."""
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


def test_all_others_end_also_those_that_never_called(recording: Time) -> None:
    call("GET /v1/me/permissions", PHONE)
    assert call("DELETE /v1/me/sessions").status == 204
    recording.now += 31
    for other in (PHONE, OLD):
        assert outcome(call("GET /v1/me/permissions", other)) == "401 session_ended"
    assert [each["id"] for each in listed()] == [HERE]
    assert listed(str(uuid.uuid4()), auth_time=int(recording.now))  # signed in again


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


def test_fifty_sessions_end_one_by_one_and_no_more(recording: Time) -> None:
    """META stays within one read unit of 4 KB. What has expired makes room."""
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


def test_two_who_end_sessions_at_once_both_succeed(
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


@pytest.fixture
def office(
    recording: Time, database: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> pg8000.native.Connection:
    """The caller is an administrator; the other user has a session on a phone."""
    user_table.transact([{"Delete": {"Key": {"pk": {"S": f"U#{UID}"}, "sk": {"S": "META"}}}}])
    new_admin(database, UID, "ada@example.org")
    new_user(database, OTHER, "grace@example.org")
    call("GET /v1/me/permissions", PHONE, uid=OTHER)
    return database


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


def test_the_trail_names_who_ended_which_session(office: pg8000.native.Connection) -> None:
    by_admin("DELETE /v1/users/{id}/sessions/{session}", session=PHONE)
    by_admin("DELETE /v1/users/{id}/sessions")
    call("DELETE /v1/me/sessions", roles="admin")
    assert [(each["uid"], each["actor"], each["action"], json.loads(each["changes"])) for each in stored("AUDIT#")] == [
        (OTHER, UID, "session.ended", {"session": PHONE}),
        (OTHER, UID, "sessions.ended", {}),
        (UID, UID, "sessions.ended", {"kept": HERE}),
    ]  # fmt: skip


def stored(prefix: str) -> list[dict[str, Any]]:
    items = map(dynamodb.plain, dynamodb.client().scan(TableName=TABLE)["Items"])
    return sorted(
        (item for item in items if item["pk"].startswith(prefix)), key=lambda item: str(item["pk"])
    )


def test_who_may_not_change_a_user_ends_no_session_of_theirs(
    office: pg8000.native.Connection,
) -> None:
    """Grace may write users, and Ada is an administrator."""
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
    """Grace may write users. Eve becomes an administrator after their rights were compared."""
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
def test_a_user_who_is_gone_has_no_sessions(
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
