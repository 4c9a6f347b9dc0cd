"""The running stack, an administrator and a member of it, and something of each kind that the contract can make."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from local.settings import Settings
from local.stack import aws, outputs
from tests.contract.caller import Caller
from tests.contract.operations import of, read
from tests.story.client import Client, Person


@pytest.fixture(scope="session")
def client() -> Client:
    settings = Settings.from_environment()
    found = outputs.read(settings)
    return Client(found, aws.client("cognito-idp", settings, found.region))


@pytest.fixture(scope="session")
def admin(client: Client) -> Caller:
    """Holds every permission. Knows one of each thing that a POST of the contract makes."""
    person = client.sign_in(Person(client.outputs.admin_email, client.outputs.admin_password))
    caller = _caller(client, person)
    operations = of(read())
    for making in operations:
        if making.method == "POST" and making.takes("Idempotency-Key"):
            for _ in range(2):  # so that a list of them has more than one
                made = caller.ask(making)
                assert made.status in (201, 202), f"{making} refuses the example of its contract: {made.body!r}"
                for operation in operations:
                    caller.learn(operation, made.headers["location"])
    return caller


@pytest.fixture(scope="session")
def member(client: Client, admin: Caller) -> Caller:
    """Somebody else, without any role."""
    person = client.sign_up()
    client.confirm(person)
    return replace(_caller(client, client.sign_in(person)), known=admin.known)


def _caller(client: Client, person: Person) -> Caller:
    token = person.tokens["AccessToken"]
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return Caller(client.outputs.api_url, token, claims["uid"])
