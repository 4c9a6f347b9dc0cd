"""The export through the API: attributes of the account, rows, items, and the copies of a grant."""

import uuid
from functools import partial

from local_aws_tests.support.waiting import settle
from tools.laptop.client import Client, Person


def has_succeeded(client: Client, admin: Person, operation: str) -> bool:
    found = client.call("GET", f"/v1/operations/{operation}", admin.token).json
    return bool(found["state"] == "succeeded")


def test_a_user_exports_their_own_data(client: Client) -> None:
    person, admin = (
        client.new_member(),
        client.sign_in(Person(client.outputs.admin_email, client.outputs.admin_password)),
    )
    grant = {"action": "read", "scope": "document:7", "reason": "A reader"}
    key = str(uuid.uuid4())
    path = f"/v1/users/{person.uid}"
    given = client.call("POST", f"{path}/grants", admin.token, grant, Idempotency_Key=key)
    assert given.status == 201, given.body
    for status in ("disabled", "active"):
        change = client.call("PUT", f"{path}/status", admin.token, {"status": status}, If_Match="*")
        assert settle(partial(has_succeeded, client, admin, change.json["id"]), 60)
    found = client.call("GET", f"{path}/export", admin.token)
    assert found.status == 200, found.body
    person = client.sign_in(person)
    own = client.call("GET", "/v1/me/export", person.token)
    assert own.status == 200, own.body
    for export in (found.json, own.json):
        assert export["postgres"]["users"][0]["email"] == person.email
        assert export["cognito"]["attributes"][0]["email"] == person.email
        assert export["cognito"]["account"][0]["Enabled"] is True
        assert export["user_attributes"]["grants_of_actions"][0]["reason"] == "A reader"
        assert export["user_attributes"]["grants_on_resources"][0]["reason"] == "A reader"
        assert {each["command"] for each in export["user_attributes"]["commands"]} == {
            "disable_user",
            "enable_user",
        }
    assert client.call("GET", f"{path}/export", person.token).status == 403
