"""`POST /v1/users/{id}/erasures`: afterwards no live store contains a marker of the person.

No log ever contained one.
"""

import time
import uuid
from contextlib import suppress
from typing import Any

import pg8000.native
import pytest
from botocore.stub import Stubber

from atrium.identity import users
from atrium.identity.users import EmailTakenError
from atrium.stores import user_table
from atrium.stores.user_table import TransactionCanceledError
from outbox_relay import erasure
from tests.unit.conftest import TABLE
from tests.unit.events import UID, Context, answer, api_event, claims
from tests.unit.personal_data.markers import PROVIDER, Person, plant
from tests.unit.personal_data.steps import operations, perform, relay
from tests.unit.personal_data.store_search import holding
from tools.laptop.answer import Answer
from users.handler import handler

# Events whose `previous` is not the hash of the event before, or whose hash does not match their
# content.
BROKEN_LINKS = """
SELECT position FROM (
    SELECT position, hash, audit_text(event) AS text, lag(hash, 1, ''::bytea) OVER (ORDER BY position) AS before
    FROM audit_events AS event WHERE uid = :uid
) AS chain WHERE hash IS DISTINCT FROM sha256(before || convert_to(text, 'UTF8'))
"""


def ask(uid: str, key: str = "", by: str = UID, roles: str = "admin", age: int = 0) -> Answer:
    token = claims(uid=by, roles=roles, auth_time=str(int(time.time()) - age))
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    event = api_event("POST /v1/users/{id}/erasures", None, headers, token)
    return answer(handler(event | {"pathParameters": {"id": uid}}, Context()))


def erase(person: Person, database: pg8000.native.Connection, pool: Stubber) -> None:
    database.run("UPDATE operations SET state = 'failed' WHERE uid = :uid", uid=person.uid)
    accepted = ask(person.uid)
    assert (accepted.status, accepted.json["kind"], accepted.json["state"]) == (202, "user.erase", "pending"), accepted.body  # fmt: skip
    perform(accepted.json["id"], pool, "admin_delete_user", person.subject)
    assert operations(database, person.uid)[-1][2] == "pending"
    relay(database)
    assert operations(database, person.uid)[-1] == (accepted.json["id"], "user.erase", "succeeded")


def test_no_marker_is_left_after_an_erasure(
    person: Person,
    database: pg8000.native.Connection,
    table: Any,
    pool: Stubber,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = plant(database, table, UID)
    assert len(holding(list(person.markers.values()), database, table)) >= 12
    theirs = sorted(holding(list(other.markers.values()), database, table))
    erase(person, database, pool)
    assert holding(list(person.markers.values()), database, table) == []
    assert sorted(holding(list(other.markers.values()), database, table)) == theirs
    logged = capsys.readouterr()
    assert "user erased" in logged.out
    assert not any(marker in logged.out + logged.err for marker in person.markers.values())


def test_only_declared_places_keep_the_uid_after_an_erasure(
    person: Person, database: pg8000.native.Connection, table: Any, pool: Stubber
) -> None:
    erase(person, database, pool)
    places = holding([person.uid], database, table)
    assert sorted(set(places)) == sorted(
        {
            "audit_chains",
            "audit_events",
            "idempotency_keys",
            "identities",
            "invitations",
            "operations",
            "unpublished_events",
            "users",
        }
        | {f"U#{person.uid}"}
    )
    [row] = database.run(
        "SELECT email, given_name, status FROM users WHERE uid = :uid", uid=person.uid
    )
    assert row == [None, None, "erased"]
    meta = user_table.meta(person.uid)
    assert meta is not None
    assert (meta.status, meta.is_deleted) == ("erased", True)
    trail = database.run(
        "SELECT action FROM audit_events WHERE uid = :uid ORDER BY id", uid=person.uid
    )
    assert {action for (action,) in trail} >= {"user.erasure_requested", "user.erased"}
    assert database.run(BROKEN_LINKS, uid=person.uid) == []


def test_the_address_is_free_and_a_new_user_inherits_nothing(
    person: Person, database: pg8000.native.Connection, pool: Stubber
) -> None:
    email = f"{person.markers['users.email']}@example.org"
    with pytest.raises(EmailTakenError):
        users.ensure_user(PROVIDER, "new", email, {})
    erase(person, database, pool)
    again = users.ensure_user(PROVIDER, "new", email, {})
    assert (again.status, again.uid == person.uid) == ("active", False)
    assert user_table.attributes(again.uid) == {}
    assert list(user_table.query(f"G#{again.uid}")) == []
    # A sign-in of the old account that had begun earlier finds the erased user.
    assert users.find_or_create(PROVIDER, person.subject, email, {}).status == "erased"


def test_an_interrupted_erasure_is_completed_by_the_next_run(
    person: Person,
    database: pg8000.native.Connection,
    table: Any,
    pool: Stubber,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Stop after each of the relay's transactions in the table, each with one item."""
    transact, cuts = user_table.transact, 0
    while True:
        left = [cuts + 1]

        def stopping(items: Any, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            transact(items)

        accepted = ask_erasure(person, database, pool)
        with monkeypatch.context() as patch:
            patch.setattr(user_table, "MAX_ITEMS", 1)
            patch.setattr(user_table, "transact", stopping)
            with suppress(KeyboardInterrupt):
                relay(database)
        was_cut = operations(database, person.uid)[-1][2] == "pending"
        relay(database)
        assert operations(database, person.uid)[-1] == (accepted, "user.erase", "succeeded")
        assert holding(list(person.markers.values()), database, table) == []
        if not was_cut:
            break
        cuts += 1
        person = plant(database, table, UID)
    assert cuts >= 8, "the erasure of a person with eight items has fewer transactions"


def ask_erasure(person: Person, database: pg8000.native.Connection, pool: Stubber) -> str:
    accepted: str = ask(person.uid).json["id"]
    perform(accepted, pool, "admin_delete_user", person.subject)
    return accepted


def test_records_are_erased_once_no_request_can_write_them_any_more(
    person: Person, database: pg8000.native.Connection, pool: Stubber
) -> None:
    accepted = ask_erasure(person, database, pool)
    waiting = "SELECT extract(epoch FROM due_at - now())::int FROM outbox WHERE id = :id"
    assert database.run(waiting, id=accepted)[0][0] in range(55, 61)


def test_a_repeated_request_gets_the_same_answer(
    person: Person, database: pg8000.native.Connection
) -> None:
    first, again = ask(person.uid, "k-1"), ask(person.uid, "k-1")
    assert (first.body, again.headers["idempotency-replayed"]) == (again.body, "true")
    assert ask(person.uid).json["code"] == "operation_pending"


def test_an_erasure_needs_the_permission(
    person: Person, database: pg8000.native.Connection
) -> None:
    assert ask(str(uuid.uuid4())).status == 404
    assert ask(UID, by=person.uid, roles="").status == 403
    assert ask(person.uid, age=301).json["code"] == "recent_sign_in_required"
    assert ask(UID).json["code"] == "last_admin"
    assert operations(database, person.uid) == []


def test_an_undeclared_item_in_the_users_partition_is_erased(
    person: Person, database: pg8000.native.Connection, table: Any, pool: Stubber
) -> None:
    photo = {"pk": f"U#{person.uid}", "sk": "PHOTO", "of": person.marker("photo")}
    table.put_item(TableName=TABLE, Item={name: {"S": value} for name, value in photo.items()})
    erase(person, database, pool)
    assert holding(list(person.markers.values()), database, table) == []


def test_an_erased_user_cannot_be_erased_again(
    person: Person, database: pg8000.native.Connection, pool: Stubber
) -> None:
    erase(person, database, pool)
    assert ask(person.uid).status == 404
    assert erasure.start_due() == 0


def test_a_sign_out_command_is_erased_too(
    person: Person, database: pg8000.native.Connection, table: Any, pool: Stubber
) -> None:
    headers = {"If-Match": "*"}
    event = api_event("DELETE /v1/users/{id}/sessions", None, headers, claims(roles="admin"))
    ended = answer(handler(event | {"pathParameters": {"id": person.uid}}, Context()))
    assert ended.status == 204, ended.body
    erase(person, database, pool)
    assert sorted(set(holding([person.subject], database, table))) == ["identities"]


def test_a_concurrent_writer_does_not_stop_the_relay(
    person: Person,
    database: pg8000.native.Connection,
    pool: Stubber,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Let an administrator revoke grants of the deleted user at the same moment."""
    accepted, transact = ask_erasure(person, database, pool), user_table.transact
    conflicts = iter([True, False] * 50)  # each transaction fails at its first attempt

    def conflicting(items: Any) -> None:
        if next(conflicts):
            raise TransactionCanceledError(frozenset(), frozenset({0}))
        transact(items)

    monkeypatch.setattr(user_table, "transact", conflicting)
    relay(database)
    assert operations(database, person.uid)[-1] == (accepted, "user.erase", "succeeded")


def test_an_unreadable_grant_is_erased(
    person: Person, database: pg8000.native.Connection, table: Any, pool: Stubber
) -> None:
    """Check this, because sign-in skips such a grant, and an erasure that stopped at it would never
    end.
    """
    broken = {"pk": f"G#{person.uid}", "sk": "*#ROLE#x", "granted_by": person.marker("broken")}
    table.put_item(TableName=TABLE, Item={name: {"S": value} for name, value in broken.items()})
    erase(person, database, pool)
    assert holding(list(person.markers.values()), database, table) == []
