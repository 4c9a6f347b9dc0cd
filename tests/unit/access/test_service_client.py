"""`make service` and `make rotate-service`, with the laptop's Cognito, our trigger and our API.

The test replaces only the environment's outputs.
"""

import base64
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from atrium.identity.cognito_trigger import RefusalError
from local_aws_tests.cognito.user_pool_harness import (
    FunctionError,
    Server,
    UserPoolHarness,
    new_harness,
    quick_server,
)
from pre_token_generation.handler import handler as generate
from register_service.handler import handler as register
from tests.unit.access.conftest import Service as Access
from tests.unit.events import Context
from tools.deploy.environment import FunctionFailedError
from tools.deploy.errors import RefusedError
from tools.operations import service_client

DECLARED = {
    "client_name": "atrium-test-service-reporting",
    "scopes": ["atrium/access.read", "atrium/me"],
    "roles": ["clerk"],
    "access_minutes": 60,
}

pytestmark = pytest.mark.usefixtures("contract", "database")


@dataclass(frozen=True)
class EnvironmentStub:
    """The parts of an environment that the command uses."""

    outputs: dict[str, Any]
    cognito: Any
    name: str = "test"
    is_local: bool = False

    def output(self, name: str) -> Any:
        return self.outputs[name]

    def client(self, service: str) -> Any:
        if service == "cognito-idp":
            return self.cognito
        return boto3.client(service, "eu-central-1")  # type: ignore[call-overload]

    def invoke(self, folder: str, event: dict[str, Any]) -> Any:
        assert folder == "register_service"
        try:
            return register(event)
        except Exception as failed:
            raise FunctionFailedError(folder, type(failed).__name__, str(failed)) from failed


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with quick_server(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture
def registered_pool(endpoint: Server, service: Access) -> UserPoolHarness:
    """Prepare a pool with our trigger, a domain and the scopes, and the role `clerk`."""
    service.new_role("clerk", "access.read")
    registered_pool = new_harness(endpoint)
    scopes = [{"ScopeName": name, "ScopeDescription": name} for name in ("me", "access.read")]
    names = {"UserPoolId": registered_pool.pool_id}
    registered_pool.admin.create_resource_server(
        **names, Identifier="atrium", Name="atrium", Scopes=scopes
    )
    registered_pool.admin.create_user_pool_domain(**names, Domain=f"d-{registered_pool.client_id}")
    registered_pool.deploy("PreTokenGeneration", _trigger, version="V3_0")
    return registered_pool


def _trigger(event: dict[str, Any]) -> dict[str, Any]:
    try:
        return generate(event, Context())
    except RefusalError as refusal:  # Lambda passes a trigger's exception to Cognito like this
        raise FunctionError(str(refusal)) from refusal


@pytest.fixture
def reporting(registered_pool: UserPoolHarness) -> service_client.Service:
    secrets = boto3.client("secretsmanager", "eu-central-1")
    arn = secrets.create_secret(Name=f"atrium-test-service-{registered_pool.client_id}")["ARN"]
    declared = DECLARED | {"secret_arn": arn}
    outputs = {
        "user_pool_id": registered_pool.pool_id,
        "token_url": f"{registered_pool.server.settings.aws_endpoint_url}/oauth2/token",
        "services": {"reporting": declared},
    }
    chosen: Any = EnvironmentStub(outputs, registered_pool.admin)
    return service_client.find(chosen, "reporting")


def fetch(value: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Fetch a token with a client secret, as a service does."""
    proof = base64.b64encode(f"{value['client_id']}:{value['client_secret']}".encode()).decode()
    form = {"grant_type": "client_credentials", "scope": value["scope"]}
    request = urllib.request.Request(
        value["token_url"],
        urllib.parse.urlencode(form).encode(),
        {"Authorization": f"Basic {proof}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def test_a_service_gets_a_client_a_secret_and_a_token(
    registered_pool: UserPoolHarness, reporting: service_client.Service
) -> None:
    done = service_client.ensure(reporting, "active")
    assert (done["created"], done["granted"]) == (True, ["clerk"])
    value = reporting.stored()
    assert value.keys() == {
        *("client_id", "client_secret", "client_secret_id"),
        *("token_url", "scope"),
    }
    status, told = fetch(value)
    assert status == 200
    claims = registered_pool.claims(told["access_token"])
    assert (claims["uid"], claims["roles"]) == (done["uid"], "clerk")
    assert claims["scope"].split() == ["atrium/access.read", "atrium/me"]


def test_a_repeat_changes_nothing(reporting: service_client.Service) -> None:
    first = service_client.ensure(reporting, "active")
    before = reporting.stored()
    again = service_client.ensure(reporting, "active")
    assert again == first | {"created": False, "granted": []}
    assert reporting.stored() == before


def test_an_interrupted_creation_is_completed(
    reporting: service_client.Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(service_client.Service, "store", die)
        with pytest.raises(KeyboardInterrupt):
            service_client.ensure(reporting, "active")
    assert reporting.stored() == {}
    assert not service_client.ensure(reporting, "active")["created"]
    assert fetch(reporting.stored())[0] == 200


def test_both_secrets_work_during_a_rotation(reporting: service_client.Service) -> None:
    service_client.ensure(reporting, "active")
    old = reporting.stored()
    service_client.rotate(reporting)
    new = reporting.stored()
    assert new["client_secret"] != old["client_secret"]
    assert [fetch(value)[0] for value in (old, new)] == [200, 200]
    service_client.rotate(reporting)
    newest = reporting.stored()
    assert [fetch(value)[0] for value in (old, new, newest)] == [400, 200, 200]
    assert service_client.finish(reporting)["deleted"] == 1
    assert [fetch(value)[0] for value in (new, newest)] == [400, 200]


def test_an_interrupted_rotation_keeps_the_stored_secret(
    registered_pool: UserPoolHarness, reporting: service_client.Service
) -> None:
    done = service_client.ensure(reporting, "active")
    registered_pool.admin.add_user_pool_client_secret(
        UserPoolId=registered_pool.pool_id, ClientId=done["client_id"]
    )
    stored = reporting.stored()
    service_client.rotate(reporting)
    assert [fetch(value)[0] for value in (stored, reporting.stored())] == [200, 200]


def test_a_disabled_service_gets_no_token(reporting: service_client.Service) -> None:
    service_client.ensure(reporting, "active")
    service_client.ensure(reporting, "disabled")
    status, told = fetch(reporting.stored())
    assert (status, told["error"]) == (400, "invalid_grant")
    assert "This service is disabled" in told["error_description"]
    service_client.ensure(reporting, "active")
    assert fetch(reporting.stored())[0] == 200


def test_an_undeclared_service_is_refused(reporting: service_client.Service) -> None:
    with pytest.raises(RefusedError, match=r"NAME=billing is not a service.*declared: reporting"):
        service_client.find(reporting.chosen, "billing")


def test_a_rotation_without_a_client_is_refused(reporting: service_client.Service) -> None:
    with pytest.raises(RefusedError, match="make service ENV=test NAME=reporting first"):
        service_client.rotate(reporting)


def test_a_services_client_signs_in_no_user(
    registered_pool: UserPoolHarness, reporting: service_client.Service
) -> None:
    client_id = service_client.ensure(reporting, "active")["client_id"]
    client = registered_pool.admin.describe_user_pool_client(
        UserPoolId=registered_pool.pool_id, ClientId=client_id
    )
    assert client["UserPoolClient"]["ExplicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH"]
    assert client["UserPoolClient"]["AllowedOAuthFlows"] == ["client_credentials"]


def test_the_secret_is_only_in_secrets_manager(
    reporting: service_client.Service, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    done = service_client.ensure(reporting, "active")
    told = service_client._text(reporting, done)
    assert reporting.stored()["client_secret"] not in told + capsys.readouterr().out
