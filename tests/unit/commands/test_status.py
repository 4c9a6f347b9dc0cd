"""Changes of a user's status with concurrent writers."""

import uuid
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pg8000.native
import pytest
from botocore.stub import Stubber

from atrium.identity import admins, grants
from atrium.stores import authority, contention, dynamodb, user_table
from attribute_changes.outcomes import handle_outcome
from outbox_relay import relay
from tests.support.people import new_admin, new_user, role_grant
from tests.unit.commands.requests import (
    DONE,
    KEY,
    broken,
    call,
    deliver,
    item,
    make_admin,
    make_due,
    meta_of,
    set_status,
    state,
)
from tests.unit.concurrent_writers import WRITERS, Crowd
from tests.unit.conftest import TABLE
from tests.unit.events import OTHER, UID, claims
from tools.laptop.answer import Answer
from users import status


@pytest.mark.parametrize("before", ["active", "disabled"])
@pytest.mark.parametrize("is_new", [False, True])
def test_a_user_who_gains_rights_meanwhile_keeps_their_status(
    office: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch, before: str, is_new: bool
) -> None:
    """Let a clerk change a user who becomes an administrator after their rights were compared."""
    clerk, target = (str(uuid.uuid4()) for _ in range(2))
    new_user(office, clerk, "clerk@example.org")
    new_user(office, target, "target@example.org", before)
    if is_new:  # the user has never signed in
        dynamodb.client().delete_item(TableName=TABLE, Key=KEY | {"pk": {"S": f"U#{target}"}})
    role = {"pk": {"S": "R#clerk"}, "sk": {"S": "PERM#users.write"}}
    dynamodb.client().put_item(TableName=TABLE, Item=role | {"permission": {"S": "users.write"}})
    for each in grants.puts(role_grant(clerk, "clerk")):
        user_table.transact([each])
    write = status.write

    def be_late(*arguments: Any) -> Any:
        written = write(*arguments)
        if is_new:
            user_table.create_meta(target)
        assert make_admin(target).status == 201
        return written

    wanted = "disabled" if before == "active" else "active"
    with monkeypatch.context() as late:
        late.setattr(status, "write", be_late)
        late.setattr(authority, "refuse_single_write", lambda _: None)
        token = claims(uid=clerk, roles="clerk")
        refused = call(
            "PUT /v1/users/{id}/status",
            {"status": wanted},
            {"id": target},
            token=token,
            If_Match="*",
        )
    assert (refused.status, refused.json["code"]) == (409, "rights_changed"), refused.text
    rows = "SELECT status FROM users WHERE uid = :uid"
    assert office.run(rows, uid=target) == [[before]]
    assert office.run("SELECT state FROM operations WHERE uid = :uid", uid=target) == [["failed"]]
    assert meta_of(target) == ("active" if is_new else before, 2)


@pytest.mark.parametrize("by_relay", [False, True])
def test_the_last_administrator_is_restored_after_a_race(
    office: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch, by_relay: bool
) -> None:
    """Let two administrators disable each other; both read before either writes."""
    user_table.transact([admins.leaving(UID)])
    monkeypatch.setattr(admins, "is_last", lambda uid: False)
    with monkeypatch.context() as away:
        if by_relay:
            away.setattr(user_table, "transact", broken)
        refused = set_status(OTHER, "disabled")
    if by_relay:
        make_due(office)
        assert relay.send_due() == 0
    else:
        assert (refused.status, refused.json["code"]) == (409, "last_admin")
    assert office.run("SELECT status, version FROM users WHERE uid = :uid", uid=OTHER) == [
        ["active", 3]
    ]
    assert office.run("SELECT state FROM operations") == [["failed"]]
    assert office.run("SELECT FROM outbox") == []
    trail = office.run("SELECT action FROM audit_events WHERE uid = :uid ORDER BY id", uid=OTHER)
    assert trail == [["user.disabled"], ["user.status_restored"]]
    assert meta_of(OTHER) == ("active", 1)


STATUS_CHANGES = {
    "disable": ("active", lambda uid: set_status(uid, "disabled")),
    "enable": ("disabled", lambda uid: set_status(uid, "active")),
    "delete": (
        "active",
        lambda uid: call("DELETE /v1/users/{id}", None, {"id": uid}, If_Match="*"),
    ),
    "delete a disabled user": (
        "disabled",
        lambda uid: call("DELETE /v1/users/{id}", None, {"id": uid}, If_Match="*"),
    ),
}


@pytest.mark.parametrize(("before", "change"), STATUS_CHANGES.values(), ids=STATUS_CHANGES)
@pytest.mark.usefixtures("revoked_meanwhile")
def test_a_change_of_status_by_a_revoked_caller_is_taken_back(
    office: pg8000.native.Connection, before: str, change: Callable[[str], Answer]
) -> None:
    uid = str(uuid.uuid4())
    new_user(office, uid, "bob@example.org", before)
    refused = change(uid)
    assert (refused.status, refused.json["code"]) == (401, "token_stale")
    assert office.run("SELECT status, version FROM users WHERE uid = :uid", uid=uid) == [
        [before, 3]
    ]
    assert meta_of(uid) == (before, 1)
    assert office.run("SELECT state, reason IS NOT NULL FROM operations") == [["failed", True]]
    assert office.run("SELECT FROM outbox") == []
    [*_, [last]] = office.run(
        "SELECT action FROM audit_events WHERE uid = :uid ORDER BY id", uid=uid
    )
    assert last == "user.status_restored"
    make_due(office)
    assert relay.send_due() == 0


@pytest.mark.parametrize("status", ["disabled", "deleted"])
def test_an_administrator_may_end_their_own_account(
    office: pg8000.native.Connection, status: str
) -> None:
    """Check a caller who is the target: both conditions are on the same META."""
    ended = set_status(UID, status) if status == "disabled" else call("DELETE /v1/users/{id}", None, {"id": UID}, If_Match="*")  # fmt: skip
    assert ended.status == 202
    assert meta_of(UID) == (status, 2)
    assert set_status(OTHER, "disabled").status == 401


@pytest.mark.trials
def test_one_administrator_stays_when_all_are_disabled_at_once(
    office: pg8000.native.Connection, crowd: Crowd
) -> None:
    """Disable each in Postgres before the table is written, so that nobody is the last one there.

    The caller is not counted, because their grant has an end.
    """
    user_table.transact([admins.leaving(UID)])
    uids = [OTHER, *(str(uuid.uuid4()) for _ in range(WRITERS - 1))]
    for uid in uids[1:]:
        new_admin(office, uid, f"{uid}@example.org")
    answers = crowd.at_once([partial(set_status, uid, "disabled") for uid in uids])
    assert Counter(each.json.get("code", each.status) for each in answers) == {
        202: WRITERS - 1,
        "last_admin": 1,
    }
    [stayed] = [uid for uid, each in zip(uids, answers, strict=True) if each.status == 409]
    assert user_table.item("R#admin", "HOLDERS") == {
        "pk": "R#admin",
        "sk": "HOLDERS",
        "uids": [stayed],
    }
    assert office.run(
        "SELECT uid::text FROM users WHERE status = 'active' AND uid <> :uid", uid=UID
    ) == [[stayed]]
    assert {uid for uid in uids if meta_of(uid) == ("active", 1)} == {stayed}
    assert office.run("SELECT count(*) FROM outbox") == [[WRITERS - 1]]


@pytest.mark.parametrize(
    ("before", "after", "count"), [("active", "disabled", 0), ("disabled", "active", WRITERS // 2)]
)
def test_the_count_of_administrators_survives_a_race_of_grant_and_status(
    office: pg8000.native.Connection,
    crowd: Crowd,
    monkeypatch: pytest.MonkeyPatch,
    before: str,
    after: str,
    count: int,
) -> None:
    """Let both read before either writes; the second one reads again."""
    monkeypatch.setattr(contention, "LAST_REPEAT", 600)
    uids = [str(uuid.uuid4()) for _ in range(WRITERS // 2)]
    for uid in uids:
        new_user(office, uid, f"{uid}@example.org", before)
    answers = crowd.at_once(
        [
            partial(act, uid)
            for uid in uids
            for act in (make_admin, partial(set_status, status=after))
        ]
    )
    assert Counter(each.status for each in answers) == {201: len(uids), 202: len(uids)}
    holders = user_table.item("R#admin", "HOLDERS")
    assert holders is not None
    assert len({*uids} & {*holders["uids"]}) == count
    assert {meta_of(uid) for uid in uids} == {(after, 3)}


def test_a_user_missing_in_the_pool_counts_as_disabled(
    office: pg8000.native.Connection, pool: Stubber
) -> None:
    operation = set_status(OTHER, "disabled").json["id"]
    for call_ in ("admin_disable_user", "admin_user_global_sign_out"):
        pool.add_client_error(call_, "UserNotFoundException")
    assert deliver(operation) == DONE
    handle_outcome(item(operation))
    assert state(office, operation) == "succeeded"
