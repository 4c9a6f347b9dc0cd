"""Erasure of a person with a marker in every field that somebody can fill in.

No live store may keep a marker. `make proof-erasure` erases several people, and also searches the
laptop's files.
"""

import json
import os
import uuid

import pytest

from local_aws_tests.support.waiting import settle
from tests.support.marker_search import Markers, searched
from tools.deploy.environment import environment
from tools.laptop.client import Person
from tools.operations.audit_verify import verify
from users.tests.conftest import Office, new_email


@pytest.fixture
def markers() -> Markers:
    return Markers()


def fill(office: Office, markers: Markers) -> Person:
    """Let an invited person sign up, and let everybody write all they can about them."""
    email = f"{markers.new('email')}@example.org"
    person = office.client.sign_up(email)
    office.client.confirm(person)
    person = office.client.sign_in(person)
    own = f"/v1/users/{person.uid}"
    names = {"given_name": markers.new("given_name"), "family_name": markers.new("family_name")}
    assert office.call("PATCH", "/v1/me", names, person, If_Match="*").status == 200
    grant = {
        "action": "read",
        "scope": "document:7",  # names a resource, which the audit trail keeps
        "reason": markers.new("reason"),
    }
    for body in (grant, {"role": "admin", "reason": markers.new("reason of a role")}):
        key = str(uuid.uuid4())
        given = office.call("POST", f"{own}/grants", body, Idempotency_Key=key)
        assert given.status == 201, given.body
    attributes(office, own, markers)
    person = office.client.sign_in(person)
    coffee = office.call("GET", "/v1/coffees").json["items"][0]["id"]
    order = {"lines": [{"coffee": coffee, "quantity": 1}]}
    office.call("POST", "/v1/orders", order, person, Idempotency_Key=markers.new("key"))
    invited = office.call(
        "POST", "/v1/users", {"email": new_email()}, person, Idempotency_Key=markers.new("key of an invitation")
    )  # fmt: skip
    office.ended(invited)
    for status in ("disabled", "active"):
        office.ended(office.set_status(person.uid, status))
    return office.client.sign_in(person)


def attributes(office: Office, own: str, markers: Markers) -> None:
    schema = {"type": "object", "additionalProperties": {"type": "string"}}
    namespace = {"description": "Contact", "schema": schema, "personal": True}
    office.call("PUT", "/v1/namespaces/contact", namespace, If_None_Match="*")
    values = {"attributes": {"contact": {"phone": markers.new("attribute")}}}
    changed = office.call("PATCH", f"{own}/attributes", values, If_Match="*")
    assert changed.status == 200, changed.body


def finish(office: Office, operation: str) -> None:
    """Do the last step now, instead of a minute after the account was deleted."""
    step = "SELECT count(*) FROM outbox WHERE id = :id AND command = 'erase_records'"
    assert settle(lambda: office.database.run(step, id=operation) == [[1]], 60)
    office.database.run("UPDATE outbox SET due_at = now() WHERE id = :id", id=operation)
    office.relay()
    assert office.operation(operation)["state"] == "succeeded", office.operation(operation)


def undone(office: Office, event: dict[str, bool]) -> list[str]:
    """Return the users whose erasure a store has lost, as `make replay-erasures` finds them."""
    answer = office.client.aws("lambda").invoke(
        FunctionName=office.client.outputs.functions["replay_erasures"],
        Qualifier="live",
        Payload=json.dumps(event).encode(),
    )
    uids: list[str] = json.load(answer["Payload"])["uids"]
    return uids


def replayed(office: Office, markers: Markers, person: Person) -> None:
    """Restore the person's row, as from a backup, and let `make replay-erasures` erase it again."""
    assert person.uid not in undone(office, {"dry_run": True})
    restored = "UPDATE users SET status = 'active', email = :email WHERE uid = :uid"
    office.database.run(restored, email=person.email, uid=person.uid)
    assert searched(office.client, markers) == {"postgres": ["email"]}
    assert person.uid in undone(office, {})
    office.relay()
    latest = "SELECT id::text FROM operations WHERE uid = :uid ORDER BY id DESC LIMIT 1"
    finish(office, office.database.run(latest, uid=person.uid)[0][0])
    assert searched(office.client, markers) == {}


PEOPLE = int(os.environ.get("ERASURES", "1"))


@pytest.mark.parametrize("number", range(PEOPLE))
def test_an_erased_person_leaves_no_trace(office: Office, markers: Markers, number: int) -> None:
    person = fill(office, markers)
    before = searched(office.client, markers)
    assert before.keys() >= {"postgres", "table", "cognito"}, before
    assert before.keys().isdisjoint({"logs", "traces", "queues"}), before
    accepted = office.call(
        "POST", f"/v1/users/{person.uid}/erasures", Idempotency_Key=str(uuid.uuid4())
    )
    assert accepted.status == 202, accepted.body
    finish(office, accepted.json["id"])
    assert searched(office.client, markers) == {}
    replayed(office, markers, person)
    local = environment("local")
    assert verify(lambda event: local.invoke("migrate", event))["faults"] == []
    assert office.call("GET", f"/v1/users/{person.uid}").status == 404
    assert office.call("GET", "/v1/me", person=person).status == 401
    again = office.client.sign_up(person.email)
    office.client.confirm(again)
    again = office.client.sign_in(again)
    assert again.uid != person.uid
    me = office.call("GET", "/v1/me", person=again).json
    assert (me["attributes"], me["roles"]) == ({}, [])
    assert not any(
        marker in str(me) for place, marker in markers.by_place.items() if place != "email"
    )


def test_a_deleted_account_is_restored_by_a_sign_in(office: Office) -> None:
    """Check that Cognito's account stays enabled, its sessions end, and an administrator is counted
    again.
    """
    person = office.client.new_member()
    grant = {"role": "admin"}
    key = str(uuid.uuid4())
    office.call("POST", f"/v1/users/{person.uid}/grants", grant, Idempotency_Key=key)
    person = office.client.sign_in(person)
    gone = office.call("DELETE", "/v1/me", person=person, If_Match="*")
    assert (gone.status, gone.json["status"]) == (202, "deleted"), gone.body
    assert office.call("DELETE", "/v1/me", person=person, If_Match="*").status == 401
    pending = "SELECT count(*) FROM operations WHERE uid = :uid AND state = 'pending'"
    assert settle(lambda: office.database.run(pending, uid=person.uid) == [[0]], 60)
    assert office.cognito_user(person.email)["Enabled"] is True
    person = office.client.sign_in(person)
    assert office.call("GET", "/v1/me", person=person).json["roles"] == ["admin"]
    assert settle(lambda: office.database.run(pending, uid=person.uid) == [[0]], 60)
    assert [action for _, action in office.trail(person.uid)][-2:] == [
        "user.deleted",
        "user.restored",
    ]
