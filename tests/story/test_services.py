"""A machine caller on the running stack: created, used, rotated, revoked.

The environment declares no service, so the test adds one to the outputs, and creates the secret and
the domain as Terraform would.
"""

import base64
import dataclasses
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tools.deploy import environment
from tools.laptop.client import Client, Person, claims
from tools.operations import service_client

NAME = "reporting"


@pytest.fixture
def admin(client: Client) -> str:
    person = Person(client.outputs.admin_email, client.outputs.admin_password)
    return client.sign_in(person).token


@pytest.fixture
def service(client: Client, admin: str, domain: str) -> Iterator[service_client.Service]:
    chosen = environment.environment("local")
    for role, permissions in (("auditor", ["users.read"]), ("nobody", [])):
        body = {"permissions": permissions, "description": role, "parents": []}
        client.call("PUT", f"/v1/roles/{role}", admin, body, If_None_Match="*")
    secrets, cognito = chosen.client("secretsmanager"), chosen.client("cognito-idp")
    arn = secrets.create_secret(Name="atrium-dev-service-reporting")["ARN"]
    declared = {
        "client_name": "atrium-dev-service-reporting",
        "scopes": ["atrium/me", "atrium/users.read"],
        "roles": ["auditor"],
        "access_minutes": 60,
        "secret_arn": arn,
    }
    token_url = f"{cognito.meta.endpoint_url}/oauth2/token"
    outputs = {**chosen.outputs, "services": {NAME: declared}, "token_url": token_url}
    made = service_client.find(dataclasses.replace(chosen, outputs=outputs), NAME)
    yield made
    if (client_id := made.client_id()) is not None:
        cognito.delete_user_pool_client(UserPoolId=domain, ClientId=client_id)
    secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)


def fetch(value: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    proof = base64.b64encode(f"{value['client_id']}:{value['client_secret']}".encode()).decode()
    form = urllib.parse.urlencode({"grant_type": "client_credentials"}).encode()
    request = urllib.request.Request(value["token_url"], form, {"Authorization": f"Basic {proof}"})
    try:
        with urllib.request.urlopen(request, timeout=35) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def token(service: service_client.Service) -> str:
    status, told = fetch(service.stored())
    assert status == 200, told
    return str(told["access_token"])


def test_a_service_is_created_used_rotated_and_revoked(
    client: Client, admin: str, service: service_client.Service
) -> None:
    uid = service_client.ensure(service, "active")["uid"]
    held = token(service)
    assert (claims(held)["uid"], claims(held)["roles"]) == (uid, "auditor")
    assert client.call("GET", "/v1/users", held).status == 200
    refused = client.call("GET", "/v1/roles", held)
    assert (refused.status, refused.json["code"]) == (403, "insufficient_scope")
    challenge = refused.headers["x-amzn-remapped-www-authenticate"]
    assert challenge == 'Bearer error="insufficient_scope", scope="atrium/access.read"'

    question = {
        "subject": {"type": "service", "id": uid},
        "action": {"name": "read"},
        "resource": {"type": "users", "id": "7"},
    }
    assert client.call("POST", "/access/v1/evaluation", admin, question).json["decision"]

    before = service.stored()
    service_client.rotate(service)
    assert [fetch(value)[0] for value in (before, service.stored())] == [200, 200]
    service_client.finish(service)
    assert [fetch(value)[0] for value in (before, service.stored())] == [400, 200]

    other = dataclasses.replace(service, declared={**service.declared, "roles": ["nobody"]})
    done = service_client.ensure(other, "active")
    assert (done["granted"], done["revoked"]) == (["nobody"], ["auditor"])
    assert not client.call("POST", "/access/v1/evaluation", admin, question).json["decision"]
    assert claims(token(service))["scope"] == "atrium/me"

    service_client.ensure(other, "disabled")
    status, told = fetch(service.stored())
    assert (status, told["error"]) == (400, "invalid_grant")
