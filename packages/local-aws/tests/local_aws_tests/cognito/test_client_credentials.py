"""Tokens for machines: the client_credentials grant, its scopes and its trigger."""

import json
from typing import Any

import pytest

from local_aws_tests.cognito.hosted import App, basic, hosted_app
from local_aws_tests.cognito.user_pool_harness import FunctionError, UserPoolHarness, refused

ORDERS = {
    "Identifier": "orders",
    "Name": "Orders",
    "Scopes": [{"ScopeName": name, "ScopeDescription": name} for name in ("read", "write")],
}
MACHINE: dict[str, Any] = {
    "GenerateSecret": True,
    "AllowedOAuthFlows": ["client_credentials"],
    "AllowedOAuthScopes": ["orders/read", "orders/write"],
}


@pytest.fixture
def machine(harness: UserPoolHarness) -> App:
    harness.admin.create_resource_server(UserPoolId=harness.pool_id, **ORDERS)
    return hosted_app(harness, **MACHINE)


def ask(machine: App, secret: str | None = None, **form: str) -> tuple[int, dict[str, Any]]:
    proof = basic(machine.client_id, secret or machine.secret or "")
    return machine.post(
        "/oauth2/token", {"grant_type": "client_credentials", **form}, Authorization=proof
    )


def test_a_machine_gets_only_an_access_token(machine: App) -> None:
    status, told = ask(machine)
    assert status == 200
    assert told.keys() == {"access_token", "expires_in", "token_type"}
    claims = machine.harness.claims(told["access_token"])
    assert claims.keys() == {
        *("sub", "client_id", "token_use", "scope", "iss"),
        *("auth_time", "iat", "exp", "jti", "version"),
    }
    assert claims["sub"] == claims["client_id"] == machine.client_id
    assert claims["scope"] == "orders/read orders/write"
    assert claims["exp"] - claims["iat"] == told["expires_in"] == 30 * 60


def test_a_machine_may_request_fewer_scopes(machine: App) -> None:
    _, told = ask(machine, scope="orders/read")
    assert machine.harness.claims(told["access_token"])["scope"] == "orders/read"


@pytest.mark.parametrize("scope", ["orders/delete", "openid", "orders/read openid"])
def test_a_machine_cannot_request_more_scopes(machine: App, scope: str) -> None:
    assert ask(machine, scope=scope) == (400, {"error": "invalid_scope"})


def test_a_wrong_secret_is_refused(machine: App) -> None:
    assert ask(machine, secret="wrong") == (400, {"error": "invalid_client"})


def test_both_secrets_of_a_rotation_are_accepted(machine: App) -> None:
    names = {"UserPoolId": machine.harness.pool_id, "ClientId": machine.client_id}
    admin = machine.harness.admin
    added = admin.add_user_pool_client_secret(**names)["ClientSecretDescriptor"]
    for secret in (machine.secret, added["ClientSecretValue"]):
        assert ask(machine, secret=secret)[0] == 200
    first = admin.list_user_pool_client_secrets(**names)["ClientSecrets"][0]["ClientSecretId"]
    admin.delete_user_pool_client_secret(**names, ClientSecretId=first)
    assert ask(machine) == (400, {"error": "invalid_client"})


def test_a_client_for_users_gets_no_machine_token(harness: UserPoolHarness) -> None:
    app = hosted_app(harness, GenerateSecret=True)
    assert ask(app) == (400, {"error": "unauthorized_client"})


def test_the_trigger_of_version_3_changes_a_machines_token(machine: App) -> None:
    def add(event: dict[str, Any]) -> dict[str, Any]:
        changes = {
            "claimsToAddOrOverride": {"roles": "clerk", "sub": "somebody"},
            "scopesToAdd": ["orders/audit"],
            "scopesToSuppress": ["orders/write"],
        }
        event["response"] = {
            "claimsAndScopeOverrideDetails": {"accessTokenGeneration": changes},
        }
        return event

    machine.harness.deploy("PreTokenGeneration", add, version="V3_0")
    metadata = json.dumps({"run": "7"})
    _, told = ask(machine, aws_client_metadata=metadata)
    claims = machine.harness.claims(told["access_token"])
    assert (claims["roles"], claims["sub"]) == ("clerk", machine.client_id)
    assert claims["scope"] == "orders/read orders/audit"
    (event,) = machine.harness.events
    assert event == {
        "version": "3",
        "triggerSource": "TokenGeneration_ClientCredentials",
        "region": "eu-central-1",
        "userPoolId": machine.harness.pool_id,
        "callerContext": {
            "awsSdkVersion": "aws-sdk-unknown-unknown",
            "clientId": machine.client_id,
        },
        "request": {
            "userAttributes": {},
            "groupConfiguration": {
                "groupsToOverride": [],
                "iamRolesToOverride": [],
                "preferredRole": None,
            },
            "scopes": ["orders/read", "orders/write"],
            "clientMetadata": {"run": "7"},
        },
        "response": {"claimsAndScopeOverrideDetails": None},
    }


@pytest.mark.parametrize("version", [None, "V1_0", "V2_0"])
def test_older_triggers_are_not_called_for_machines(machine: App, version: str | None) -> None:
    machine.harness.deploy("PreTokenGeneration", lambda event: event, version=version)
    assert ask(machine)[0] == 200
    assert machine.harness.events == []


def test_a_trigger_of_version_3_is_called_for_users_too(machine: App) -> None:
    machine.harness.deploy("PreTokenGeneration", lambda event: event, version="V3_0")
    machine.harness.signed_in()
    assert [event["version"] for event in machine.harness.events] == ["3"]


def test_the_error_of_a_failed_trigger_is_returned_to_the_client(machine: App) -> None:
    def fail(_: dict[str, Any]) -> None:
        raise FunctionError("no such service")

    machine.harness.deploy("PreTokenGeneration", fail, version="V3_0")
    status, told = ask(machine)
    assert (status, told["error"]) == (400, "invalid_grant")
    assert "no such service" in told["error_description"]


def test_a_machines_token_is_not_a_users_token(machine: App) -> None:
    _, told = ask(machine)
    with refused("NotAuthorizedException", "Access Token does not have required scopes"):
        machine.harness.public.get_user(AccessToken=told["access_token"])
    assert machine.user_info(told["access_token"])[0] == 401
