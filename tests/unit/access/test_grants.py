"""Grants by HTTP: creation, searches, revocation, concurrency, and the tokens afterwards."""

import itertools
import random
import time
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from access import evaluation as decision_at
from access import grants
from atrium.identity import admins, grant_items
from atrium.stores import contention, user_table
from tests.unit.access.conftest import ADA, ADMIN, BOB, EVE, Service
from tests.unit.concurrent_writers import WRITERS, Crowd
from tools.laptop.answer import Answer


@pytest.fixture
def people(service: Service) -> Service:
    """Prepare Ada, Bob and one role, and count the administrator."""
    for uid in (ADA, BOB):
        service.new_user(uid)
    service.new_role("reader", "document.read")
    user_table.transact([admins.joining(ADMIN)])
    return service


def make(service: Service, uid: str, **body: Any) -> Answer:
    return service.post(f"/v1/users/{uid}/grants", body)


def made(service: Service, uid: str, **body: Any) -> str:
    answer = make(service, uid, **body)
    assert answer.status == 201, answer.text
    return str(answer.json["id"])


def revoke(service: Service, uid: str, grant: str, by: str = ADMIN) -> Answer:
    return service.ask(
        "DELETE", f"/v1/users/{uid}/grants/{grant}", uid=by, roles="admin", If_Match="*"
    )


def permitted(service: Service, uid: str, thing: str = "7") -> bool:
    question = {
        "subject": {"type": "user", "id": uid},
        "action": {"name": "read"},
        "resource": {"type": "document", "id": thing},
    }
    return bool(service.ask("POST", "/access/v1/evaluation", question).json["decision"])


def soon(**later: float) -> str:
    return (datetime.now(UTC) + timedelta(**later)).isoformat()


def test_a_grant_is_created_read_and_revoked(people: Service) -> None:
    answer = make(
        people,
        ADA,
        role="reader",
        scope="document:7",
        reason="She wrote it",
        expires_at=soon(days=1),
    )
    assert answer.status == 201
    grant, path = answer.json, answer.headers["location"]
    assert (grant["uid"], grant["role"], grant["action"], grant["scope"]) == (
        ADA,
        "reader",
        None,
        "document:7",
    )
    assert (grant["reason"], grant["granted_by"]) == ("She wrote it", ADMIN)
    assert people.ask("GET", path).json == grant
    assert permitted(people, ADA)
    other = make(people, ADA, role="reader").headers["etag"]
    assert people.ask("DELETE", path, If_Match=other).status == 412
    assert (
        people.ask("DELETE", path, If_Match=people.ask("GET", path).headers["etag"]).status == 204
    )
    assert people.ask("GET", path).status == 404
    assert [item["scope"] for item in people.items(f"G#{ADA}")] == ["*"]
    assert {item["uid"] for item in people.items("GRANT#")} == {ADMIN, ADA}
    assert people.items("ON#") == []


def test_a_role_whose_name_would_not_fit_into_the_token_is_refused(people: Service) -> None:
    names = [f"r{number:02}{'x' * 57}" for number in range(17)]
    for name in names:
        people.new_role(name)
    for name in names[:16]:
        made(people, ADA, role=name)
    refused = make(people, ADA, role=names[16])
    assert (refused.status, [error["pointer"] for error in refused.json["errors"]]) == (
        422,
        ["#/role"],
    )
    made(people, ADA, role="admin")
    made(people, ADA, role=names[16], scope="document:7")
    made(people, BOB, role=names[16])


def test_two_concurrent_grants_cannot_exceed_the_tokens_limit_together(
    people: Service, patient_crowd: Crowd
) -> None:
    names = [f"r{number:02}{'x' * 57}" for number in range(17)]
    for name in names:
        people.new_role(name)
    for name in names[:15]:
        people.grant(ADA, role=name)
    grants = [partial(make, people, ADA, role=name) for name in names[15:]]
    assert sorted(answer.status for answer in patient_crowd.at_once(grants)) == [201, 422]


def test_a_right_to_an_action_permits_only_that_action(people: Service) -> None:
    right = made(people, ADA, action="read", scope="document:7")
    assert (permitted(people, ADA, "7"), permitted(people, ADA, "8")) == (True, False)
    revoke(people, ADA, right)
    assert not permitted(people, ADA)


def test_each_change_ends_tokens_and_is_in_the_audit_trail(people: Service) -> None:
    before = people.epoch(ADA)
    grant = made(people, ADA, role="reader", scope="document:7", reason="Private")
    revoke(people, ADA, grant)
    assert people.epoch(ADA) == before + 2
    trail = sorted(people.items("AUDIT#"), key=lambda item: str(item["pk"]))
    assert [(item["action"], item["uid"], item["actor"]) for item in trail] == [
        ("role.granted", ADA, ADMIN),
        ("role.revoked", ADA, ADMIN),
    ]
    assert trail[0]["changes"] == f'{{"grant":"{grant}","role":"reader","scope":"document:7"}}'


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["#/role"]),
        ({"role": "reader", "action": "read", "scope": "document:7"}, ["#/role"]),
        ({"action": "read"}, ["#/scope"]),
        ({"role": "nobody"}, ["#/role"]),
        ({"role": "reader", "scope": "document"}, ["#/scope"]),
        ({"role": "reader", "expires_at": "2020-01-01T00:00:00Z"}, ["#/expires_at"]),
        ({"role": "reader", "expires_at": "2120-01-01T00:00:00"}, ["#/expires_at"]),
    ],
)
def test_an_invalid_grant_is_refused_with_the_field(
    people: Service, body: Any, pointers: list[str]
) -> None:
    refused = make(people, ADA, **body)
    assert (refused.status, [error["pointer"] for error in refused.json["errors"]]) == (
        422,
        pointers,
    )


def test_a_grant_ends_at_the_stored_second(
    people: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = int(time.time())
    _set_clock(monkeypatch, now + 0.5)
    within = make(people, ADA, role="reader", expires_at=f"{grant_items.rfc3339(now)[:-1]}.900Z")
    assert (within.status, within.json["errors"][0]["pointer"]) == (422, "#/expires_at")
    grant = made(people, ADA, role="reader", expires_at=f"{grant_items.rfc3339(now + 1)[:-1]}.900Z")
    path = f"/v1/users/{ADA}/grants/{grant}"
    assert people.ask("GET", path).json["expires_at"] == grant_items.rfc3339(now + 1)
    for moment, is_there in ((now + 0.999, True), (now + 1, False)):
        _set_clock(monkeypatch, moment)
        assert (people.ask("GET", path).status == 200, permitted(people, ADA)) == (
            is_there,
            is_there,
        )


def _set_clock(monkeypatch: pytest.MonkeyPatch, now: float) -> None:
    for module in (grants, decision_at, grant_items):
        monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: now))


def test_an_end_after_the_year_9999_is_refused(people: Service) -> None:
    refused = make(people, ADA, role="reader", expires_at="9999-12-31T23:59:59-14:00")
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "#/expires_at")


def test_a_grant_for_an_unknown_user_is_404(people: Service) -> None:
    assert make(people, EVE, role="reader").status == 404
    assert people.ask("GET", f"/v1/users/{EVE}/grants").status == 404


def test_users_see_their_own_grants(people: Service) -> None:
    path = f"/v1/users/{ADA}/grants/{made(people, ADA, role='reader')}"
    assert [people.ask("GET", path, uid=uid).status for uid in (ADA, BOB)] == [200, 404]
    assert len(people.ask("GET", f"/v1/users/{ADA}/grants", uid=ADA).json["items"]) == 1
    assert people.ask("GET", f"/v1/users/{ADA}/grants", uid=BOB).status == 404
    assert people.ask("GET", "/v1/grants", uid=ADA).status == 403


def test_an_expired_grant_is_hidden_before_ttl_deletes_it(people: Service) -> None:
    for scope in ("*", "document:7"):
        grant = people.grant(ADA, scope, role="reader", expires_at=int(time.time()) - 1)
        assert people.ask("GET", f"/v1/users/{ADA}/grants/{grant}").status == 404
    lists = [people.ask("GET", f"/v1/users/{ADA}/grants")]
    lists += [
        people.ask("GET", "/v1/grants", query=query)
        for query in ({"role": "reader"}, {"resource": "document:7"}, {})
    ]
    assert [answer.json["items"] for answer in lists] == [[]] * 4
    assert not permitted(people, ADA)


def everything(service: Service, path: str, limit: int, **query: str) -> list[str]:
    found, cursor = list[str](), dict[str, str]()
    while True:
        answer = service.ask("GET", path, query={**query, **cursor, "limit": str(limit)})
        assert answer.status == 200, answer.text
        found += [item["id"] for item in answer.json["items"]]
        if answer.json["next_cursor"] is None:
            return found
        cursor = {"cursor": answer.json["next_cursor"]}


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_grants_are_found_by_user_resource_role_and_end(people: Service, limit: int) -> None:
    everywhere = made(people, ADA, role="reader", expires_at=soon(days=40))
    on_seven = made(people, ADA, role="reader", scope="document:7", expires_at=soon(days=2))
    bobs = made(people, BOB, role="reader", scope="document:7")
    right = made(people, BOB, action="write", scope="document:7", expires_at=soon(hours=1))
    found = partial(everything, people, "/v1/grants", limit)
    assert everything(people, f"/v1/users/{BOB}/grants", limit) == [right, bobs]
    assert set(found(resource="document:7")) == {on_seven, bobs, right}
    assert set(found(role="reader")) == {everywhere, on_seven, bobs}
    assert set(found(role="reader", resource="document:7")) == {on_seven, bobs}
    assert found() == [right, on_seven]
    assert found(expiring_before=soon(days=1)) == [right]
    assert found(expiring_before=soon(days=50)) == [right, on_seven, everywhere]
    assert set(found(role="reader", expiring_before=soon(days=50))) == {on_seven, everywhere}
    assert found(resource="document:8") == found(role="writer") == []


def test_the_window_of_a_search_by_end_is_limited(people: Service) -> None:
    far = people.ask("GET", "/v1/grants", query={"expiring_before": soon(days=93)})
    assert (far.status, far.json["errors"][0]["parameter"]) == (400, "expiring_before")
    assert (
        people.ask(
            "GET", "/v1/grants", query={"expiring_before": soon(days=93), "role": "reader"}
        ).status
        == 200
    )


def test_a_repeated_request_grants_once(people: Service) -> None:
    path, body = f"/v1/users/{ADA}/grants", {"role": "reader"}
    first, again = (people.ask("POST", path, body, Idempotency_Key="same") for _ in range(2))
    assert (again.status, again.text, again.headers["idempotency-replayed"]) == (
        201,
        first.text,
        "true",
    )
    assert people.epoch(ADA) == 2
    assert len(people.items("AUDIT#")) == 1


def test_only_an_administrator_grants_and_revokes_admin(people: Service) -> None:
    people.new_role("clerk", "access.write", "document.read")
    people.grant(BOB, role="clerk")
    clerk = partial(people.post, f"/v1/users/{ADA}/grants", uid=BOB, roles="clerk")
    assert clerk({"role": "reader"}).status == 201
    for scope in ("*", "document:7"):
        refused = clerk({"role": "admin", "scope": scope})
        assert (refused.status, refused.json["code"]) == (403, "admin_required")
    grant = made(people, ADA, role="admin")
    path = f"/v1/users/{ADA}/grants/{grant}"
    assert people.ask("DELETE", path, uid=BOB, roles="clerk", If_Match="*").status == 403


def test_the_last_administrator_cannot_be_revoked(people: Service) -> None:
    [own] = [item["id"] for item in people.items(f"G#{ADMIN}")]
    made(people, ADA, role="admin", expires_at=soon(days=1))  # a grant with an end is not counted
    made(people, ADA, role="admin", scope="document:7")
    refused = revoke(people, ADMIN, own)
    assert (refused.status, refused.json["code"]) == (409, "last_admin")
    made(people, BOB, role="admin")
    assert revoke(people, ADMIN, own).status == 204


@pytest.fixture
def crowded(people: Service, patient_crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> Service:
    """Fail a third of all transactions with a conflict, which moto never does by itself."""
    transact, chance = user_table.transact, random.Random(1)  # noqa: S311

    def meeting(items: Any) -> None:
        if chance.random() < 0.3:
            raise user_table.TransactionCanceledError(frozenset(), frozenset({1}))
        transact(items)

    monkeypatch.setattr(user_table, "transact", meeting)
    monkeypatch.setattr(contention, "_FIRST_PAUSE", 0.001)
    return people


@pytest.mark.trials
def test_concurrent_grants_lose_no_update(crowded: Service, crowd: Crowd) -> None:
    answers = crowd.at_once(
        [
            partial(make, crowded, ADA, role="reader", scope=f"document:{each}")
            for each in range(WRITERS)
        ]
    )
    grants = [answer.json["id"] for answer in answers if answer.status == 201]
    assert Counter(answer.status for answer in answers) == {201: WRITERS}
    assert crowded.epoch(ADA) == 1 + WRITERS
    assert set(everything(crowded, f"/v1/users/{ADA}/grants", 100)) == set(grants)
    answers = crowd.at_once([partial(revoke, crowded, ADA, grant) for grant in grants])
    assert Counter(answer.status for answer in answers) == {204: WRITERS}
    assert crowded.epoch(ADA) == 1 + 2 * WRITERS
    assert len(crowded.items("AUDIT#")) == 2 * WRITERS
    assert crowded.items("ON#") == []


def test_a_grant_requested_concurrently_is_created_once(crowded: Service, crowd: Crowd) -> None:
    path, body = f"/v1/users/{ADA}/grants", {"role": "reader"}
    answers = crowd.at_once(
        [partial(crowded.ask, "POST", path, body, Idempotency_Key="same")] * WRITERS
    )
    assert Counter(answer.status for answer in answers) == {201: WRITERS}
    assert len({answer.text for answer in answers}) == 1
    assert ["idempotency-replayed" in answer.headers for answer in answers].count(False) == 1
    assert everything(crowded, path, 100) == [answers[0].json["id"]]
    assert (crowded.epoch(ADA), len(crowded.items("AUDIT#"))) == (2, 1)


def test_one_of_many_concurrent_revocations_succeeds(crowded: Service, crowd: Crowd) -> None:
    grant = made(crowded, ADA, role="reader")
    answers = crowd.at_once([partial(revoke, crowded, ADA, grant)] * WRITERS)
    assert Counter(answer.status for answer in answers) == {204: 1, 404: WRITERS - 1}
    assert crowded.epoch(ADA) == 3


@pytest.mark.trials
def test_one_administrator_stays_when_all_resign_at_once(crowded: Service, crowd: Crowd) -> None:
    """Let each administrator revoke their own role."""
    held = [(ADMIN, item["id"]) for item in crowded.items(f"G#{ADMIN}")]
    for _ in range(WRITERS - 1):
        uid = str(uuid.uuid4())
        crowded.new_user(uid)
        held.append((uid, made(crowded, uid, role="admin")))
    answers = crowd.at_once([partial(revoke, crowded, *each, by=each[0]) for each in held])
    assert Counter(answer.status for answer in answers) == {204: WRITERS - 1, 409: 1}
    left = [item for item in crowded.items("G#") if item["sk"] == "*#ROLE#admin"]
    holders = crowded.item("R#admin", "HOLDERS")
    assert holders is not None
    assert [item["pk"].removeprefix("G#") for item in left] == holders["uids"]


def test_one_of_many_concurrent_grants_of_one_role_is_created(
    crowded: Service, crowd: Crowd
) -> None:
    """Use different idempotency keys: the other callers are told which grant exists (S12)."""
    answers = crowd.at_once([partial(make, crowded, ADA, role="reader")] * WRITERS)
    assert Counter(answer.status for answer in answers) == {201: 1, 409: WRITERS - 1}
    [grant] = [answer.json["id"] for answer in answers if answer.status == 201]
    refused = [answer.json for answer in answers if answer.status == 409]
    assert {(each["code"], grant in each["detail"]) for each in refused} == {("grant_exists", True)}
    assert revoke(crowded, ADA, grant).status == 204
    assert not permitted(crowded, ADA)


def test_endless_transaction_conflicts_are_503(
    people: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meeting(items: Any) -> None:
        raise user_table.TransactionCanceledError(frozenset(), frozenset({1}))

    monkeypatch.setattr(user_table, "transact", meeting)
    monkeypatch.setattr(contention, "_FIRST_PAUSE", 0)
    answer = make(people, ADA, role="reader")
    assert (answer.status, answer.json["code"], "retry-after" in answer.headers) == (
        503,
        "unavailable",
        True,
    )


def test_transaction_conflicts_on_a_slow_table_are_503_before_the_timeout(
    people: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(0, 2)  # seconds for each attempt

    def meeting(items: Any) -> None:
        attempts.append(items)
        raise user_table.TransactionCanceledError(frozenset(), frozenset({1}))

    attempts = list[Any]()
    monkeypatch.setattr(user_table, "transact", meeting)
    monkeypatch.setattr(
        contention, "time", SimpleNamespace(monotonic=lambda: next(clock), sleep=lambda _: None)
    )
    assert make(people, ADA, role="reader").status == 503
    assert len(attempts) == 4, "a function is stopped after 15 seconds"
