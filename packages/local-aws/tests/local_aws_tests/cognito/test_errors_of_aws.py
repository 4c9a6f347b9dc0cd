"""Errors in `errors_of_aws.yaml`: each has AWS's code and message."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws.request_model import RequestModelGate
from local_aws_tests.cognito.user_pool_harness import (
    CLIENT,
    PASSWORD,
    REGION,
    Server,
    UserPoolHarness,
    new_harness,
    quick_server,
)

CASES: list[list[Any]] = yaml.safe_load(
    Path(__file__).with_name("errors_of_aws.yaml").read_text("utf-8")
)
SCHEMA = [
    {"Name": "tenant", "AttributeDataType": "String", "Mutable": False},
    {
        "Name": "age",
        "AttributeDataType": "Number",
        "NumberAttributeConstraints": {"MinValue": "0", "MaxValue": "150"},
    },
    {"Name": "paid", "AttributeDataType": "Boolean"},
    {"Name": "joined", "AttributeDataType": "DateTime"},
]
ALL_FLOWS = [*CLIENT["ExplicitAuthFlows"], "ALLOW_USER_SRP_AUTH"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with quick_server(tmp_path_factory.mktemp("stack"), RequestModelGate()) as running:
        yield running


@pytest.fixture(scope="module")
def api(server: Server) -> Iterator[Any]:
    """Return a client that sends its parameters without checks of its own."""
    client = boto3.client(
        "cognito-idp",
        endpoint_url=server.settings.aws_endpoint_url,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
    )
    yield client
    client.close()


@pytest.fixture(scope="module")
def names(server: Server) -> dict[str, str]:
    harness = new_harness(server)
    of_pool = {"pool": harness.pool_id, **_clients(harness), **_people(harness), **_tokens(harness)}
    harness.require_mfa("OPTIONAL")
    harness.public.associate_software_token(AccessToken=of_pool["access"])
    harness.admin.create_group(UserPoolId=harness.pool_id, GroupName="staff")
    return of_pool | _other_pools(harness)


def _clients(harness: UserPoolHarness) -> dict[str, str]:
    scope = {"ScopeName": "read", "ScopeDescription": "Read"}
    harness.admin.create_resource_server(
        UserPoolId=harness.pool_id, Identifier="orders", Name="Orders", Scopes=[scope]
    )
    harness.client_id = harness.create_client(ExplicitAuthFlows=ALL_FLOWS)["ClientId"]
    made: dict[str, dict[str, Any]] = {
        "refresh": {"ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"]},
        "legacy": {"PreventUserExistenceErrors": "LEGACY"},
        "secret": {"GenerateSecret": True},
        "two_secrets": {"GenerateSecret": True},
        "limited": {"WriteAttributes": ["email"]},
        "keeping": {"EnableTokenRevocation": False},
    }
    found = {"client": harness.client_id} | {
        f"{name}_client": harness.create_client(**changes)["ClientId"]
        for name, changes in made.items()
    }
    harness.admin.add_user_pool_client_secret(
        UserPoolId=harness.pool_id, ClientId=found["two_secrets_client"]
    )
    return found


def _people(harness: UserPoolHarness) -> dict[str, str]:
    names = ("ada", "disabled", "reset", "unconfirmed", "invited", "was_invited", "new", "nobody")
    people = {name: f"{name}@example.org" for name in names}
    pool = {"UserPoolId": harness.pool_id}
    for name in ("ada", "disabled", "reset"):
        harness.sign_up(people[name])
        harness.confirm(people[name])
    harness.sign_up(people["unconfirmed"])
    harness.admin.admin_disable_user(**pool, Username=people["disabled"])
    harness.admin.admin_reset_user_password(**pool, Username=people["reset"])
    for name in ("invited", "was_invited"):
        harness.admin.admin_create_user(**pool, Username=people[name], TemporaryPassword=PASSWORD)
    used = harness.sign_in(people["was_invited"])["Session"]
    harness.public.respond_to_auth_challenge(
        ClientId=harness.client_id,
        ChallengeName="NEW_PASSWORD_REQUIRED",
        Session=used,
        ChallengeResponses={"USERNAME": people["was_invited"], "NEW_PASSWORD": PASSWORD},
    )
    sessions = {"session": harness.sign_in(people["invited"])["Session"], "used_session": used}
    return people | sessions | {"password": PASSWORD, "no_session": "n" * 40}


def _tokens(harness: UserPoolHarness) -> dict[str, str]:
    tokens = harness.sign_in("ada@example.org")["AuthenticationResult"]
    head, payload, _ = tokens["AccessToken"].split(".")
    revoked = harness.signed_in("revoked@example.org")["AccessToken"]
    harness.public.global_sign_out(AccessToken=revoked)
    deleted = harness.signed_in("deleted@example.org")["AccessToken"]
    harness.public.delete_user(AccessToken=deleted)
    return {
        "access": tokens["AccessToken"],
        "id": tokens["IdToken"],
        "refresh": tokens["RefreshToken"],
        "forged": f"{head}.{payload}.{'A' * 342}",
        "revoked": revoked,
        "deleted": deleted,
    }


def _other_pools(harness: UserPoolHarness) -> dict[str, str]:
    admin = harness.admin
    plain: dict[str, Any] = {"UsernameAttributes": [], "AutoVerifiedAttributes": []}
    recovery = {"RecoveryMechanisms": [{"Name": "admin_only", "Priority": 1}]}
    harness.create_pool(**plain, Schema=SCHEMA)
    found = {"names_pool": harness.pool_id, "names_client": harness.client_id}
    attributes = [{"Name": "custom:tenant", "Value": "a"}]
    harness.sign_up("ada", UserAttributes=attributes)
    admin.admin_confirm_sign_up(UserPoolId=harness.pool_id, Username="ada")
    found["names_access"] = harness.sign_in("ada")["AuthenticationResult"]["AccessToken"]
    found["domain"] = "people-of-the-names"
    admin.create_user_pool_domain(UserPoolId=harness.pool_id, Domain=found["domain"])
    harness.create_pool(**plain, Schema=[{"Name": "given_name", "Required": True}])
    found["required_client"] = harness.client_id
    only = {"AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True}}
    harness.create_pool(**plain, **only, AccountRecoverySetting=recovery)
    found["invited_client"] = harness.client_id
    admin.admin_create_user(UserPoolId=harness.pool_id, Username="ada")
    admin.admin_set_user_password(
        UserPoolId=harness.pool_id, Username="ada", Password=PASSWORD, Permanent=True
    )
    harness.create_pool(DeletionProtection="ACTIVE")
    return found | {"protected_pool": harness.pool_id}


def _filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, names) for each in value]
    if isinstance(value, str) and "$" in value:
        for name in sorted(names, key=len, reverse=True):
            value = value.replace(f"${name}", names[name])
    return value


def _identity(case: list[Any]) -> str:
    return f"{case[0]}-{case[2]}"


@pytest.mark.parametrize("case", CASES, ids=_identity)
def test_an_error_equals_that_of_aws(api: Any, names: dict[str, str], case: list[Any]) -> None:
    operation, parameters, code, message = case
    call = api._make_api_call
    with pytest.raises(ClientError) as caught:
        call(operation, _filled(parameters, names))
    told = caught.value.response["Error"]
    assert told["Code"] == code, told
    if message is not None:
        assert told["Message"] == _filled(message, names)
