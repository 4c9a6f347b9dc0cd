"""`make replay-erasures`, which erases again whom a restored backup has brought back."""

import json
import time
import uuid
from typing import Any

import pg8000.native
import pytest
from botocore.stub import Stubber

from atrium.stores import user_table
from replay_erasures.handler import handler as replay
from tests.unit.conftest import TABLE
from tests.unit.events import UID, Context, answer, api_event, claims
from tests.unit.personal_data.markers import Person
from tests.unit.personal_data.steps import operations, perform, relay
from tests.unit.personal_data.store_search import holding
from users.handler import handler as users


@pytest.fixture
def erased(person: Person, database: pg8000.native.Connection, pool: Stubber) -> Person:
    token = claims(roles="admin", auth_time=str(int(time.time())))
    event = api_event("POST /v1/users/{id}/erasures", None, {"Idempotency-Key": "k"}, token)
    accepted = answer(users(event | {"pathParameters": {"id": person.uid}}, Context()))
    perform(accepted.json["id"], pool, "admin_delete_user", person.subject)
    relay(database)
    return person


def restore_database(person: Person, database: pg8000.native.Connection) -> None:
    database.run(
        "UPDATE users SET status = 'active', email = :email, given_name = :name WHERE uid = :uid",
        email=f"{person.markers['users.email']}@example.org",
        name=person.markers["users.given_name"],
        uid=person.uid,
    )


def restore_table(person: Person, table: Any) -> None:
    key = {"pk": {"S": f"U#{person.uid}"}}
    meta = {"status": {"S": "active"}, "access_epoch": {"N": "1"}, "version": {"N": "1"}}
    value = {"value": {"S": json.dumps(person.markers["attributes.value"])}}
    for item in (
        {"sk": {"S": "META"}} | meta,
        {"sk": {"S": "ATTR#profile#phone"}, "encoding": {"S": "json"}} | value,
    ):
        table.put_item(TableName=TABLE, Item=key | item)


@pytest.mark.parametrize("lost", ["database", "table"])
def test_an_erasure_is_replayed_when_one_store_was_restored(
    erased: Person, database: pg8000.native.Connection, table: Any, pool: Stubber, lost: str
) -> None:
    if lost == "database":
        restore_database(erased, database)
    else:
        restore_table(erased, table)
    assert holding(list(erased.markers.values()), database, table) != []
    assert replay({"dry_run": True}) == {"uids": [erased.uid], "busy": []}
    assert len(operations(database, erased.uid)) == 1
    for _ in range(2):
        assert replay({}) == {"uids": [erased.uid], "busy": []}
    relay(database)
    [_, (operation, kind, state)] = operations(database, erased.uid)
    assert (kind, state) == ("user.erase", "pending")
    perform(operation, pool, "admin_delete_user", erased.subject)
    relay(database)
    assert holding(list(erased.markers.values()), database, table) == []
    assert replay({}) == {"uids": [], "busy": []}
    meta = user_table.meta(erased.uid)
    assert meta is not None
    assert meta.status == "erased"


def test_users_can_be_named_when_both_stores_were_restored(
    erased: Person, database: pg8000.native.Connection, table: Any
) -> None:
    restore_database(erased, database)
    restore_table(erased, table)
    assert replay({"dry_run": True}) == {"uids": [], "busy": []}
    assert replay({"uids": [erased.uid, str(uuid.uuid4())], "dry_run": True}) == {
        "uids": [erased.uid],
        "busy": [],
    }
    assert replay({"uids": [UID], "dry_run": True}) == {"uids": [UID], "busy": []}


def test_a_user_with_another_pending_operation_is_reported(
    erased: Person, database: pg8000.native.Connection
) -> None:
    restore_database(erased, database)
    database.run("INSERT INTO operations (id, kind, uid, actor) VALUES (gen_random_uuid(), 'user.enable', :uid, :uid)", uid=erased.uid)  # fmt: skip
    assert replay({}) == {"uids": [erased.uid], "busy": [erased.uid]}
    database.run("UPDATE operations SET state = 'succeeded' WHERE kind = 'user.enable'")
    assert replay({}) == {"uids": [erased.uid], "busy": []}


def test_an_invalid_event_is_refused() -> None:
    with pytest.raises(ValueError, match="user: unknown field"):
        replay({"user": "x"})
    with pytest.raises(ValueError, match="uids: 'x' is not a UUID"):
        replay({"uids": ["x"]})


def test_an_erased_user_who_is_the_last_administrator_stays_erased(
    erased: Person, database: pg8000.native.Connection, table: Any
) -> None:
    """Restore a table in which nobody else is an administrator, so that the command is taken back."""
    restore_table(erased, table)
    holders = {"pk": {"S": "R#admin"}, "sk": {"S": "HOLDERS"}, "uids": {"SS": [erased.uid]}}
    table.put_item(TableName=TABLE, Item=holders)
    assert replay({}) == {"uids": [erased.uid], "busy": []}
    relay(database)
    assert operations(database, erased.uid)[-1][2] == "failed"
    [[status]] = database.run("SELECT status FROM users WHERE uid = :uid", uid=erased.uid)
    assert status == "erased"
    assert replay({"dry_run": True}) == {"uids": [erased.uid], "busy": []}, (
        "a later repeat finds the user"
    )


def test_the_last_administrator_is_not_erased_by_mistake(
    person: Person, database: pg8000.native.Connection
) -> None:
    """Name the last administrator: by mistake, or after both stores lost the other administrators."""
    replay({"uids": [UID]})
    relay(database)
    assert operations(database, UID)[-1][1:] == ("user.erase", "failed")
    assert database.run("SELECT status FROM users WHERE uid = :uid", uid=UID) == [["active"]]
