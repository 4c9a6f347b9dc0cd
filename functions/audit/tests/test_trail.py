"""The audit trail of a user: one for both stores, and verifiable."""

from typing import Any

import pytest

from local_aws_tests.support.waiting import settle
from tools.deploy.environment import environment
from tools.laptop.client import Client, Person
from tools.operations.audit_verify import verify


@pytest.fixture(scope="module")
def admin(client: Client) -> Person:
    return client.sign_in(Person(client.outputs.admin_email, client.outputs.admin_password))


def events(client: Client, person: Person, path: str) -> list[Any]:
    got = client.call("GET", path, person.token)
    assert got.status == 200, got.body
    return list(got.json["items"])


def test_changes_of_both_stores_are_in_one_verifiable_audit_trail(
    client: Client, admin: Person
) -> None:
    person = client.new_member()
    changed = client.call("PATCH", "/v1/me", person.token, {"locale": "de"}, If_Match="*")
    assert changed.status == 200, changed.body
    ended = client.call("DELETE", "/v1/me/sessions", person.token, If_Match="*")
    assert ended.status == 204, ended.body

    def found() -> set[str]:
        return {each["action"] for each in events(client, person, "/v1/me/audit-events")}

    everything = {"user.created", "user.changed", "sessions.ended"}
    assert settle(lambda: found() == everything, 120), found()
    path = f"/v1/users/{person.uid}/audit-events"
    of_user = events(client, admin, path)
    assert {each["action"] for each in of_user} == everything
    by_actor = events(client, admin, f"/v1/audit-events?actor={person.uid}&action=sessions.ended")
    assert [each["uid"] for each in by_actor] == [person.uid]
    lines = client.call("GET", path, admin.token, Accept="application/x-ndjson")
    assert len(lines.body.splitlines()) == len(everything)
    assert client.call("GET", "/v1/audit-events", person.token).status == 403

    local = environment("local")
    answer = verify(lambda event: local.invoke("migrate", event))
    assert answer["faults"] == []
    assert answer["events"] >= len(everything)
