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
from local_aws_tests.cognito.world import (
    CLIENT,
    PASSWORD,
    REGION,
    Server,
    World,
    new_world,
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
    world = new_world(server)
    of_pool = {"pool": world.pool_id, **_clients(world), **_people(world), **_tokens(world)}
    world.require_mfa("OPTIONAL")
    world.public.associate_software_token(AccessToken=of_pool["access"])
    world.admin.create_group(UserPoolId=world.pool_id, GroupName="staff")
    return of_pool | _other_pools(world)


def _clients(world: World) -> dict[str, str]:
    scope = {"ScopeName": "read", "ScopeDescription": "Read"}
    world.admin.create_resource_server(
        UserPoolId=world.pool_id, Identifier="orders", Name="Orders", Scopes=[scope]
    )
    world.client_id = world.create_client(ExplicitAuthFlows=ALL_FLOWS)["ClientId"]
    made: dict[str, dict[str, Any]] = {
        "refresh": {"ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"]},
        "legacy": {"PreventUserExistenceErrors": "LEGACY"},
        "secret": {"GenerateSecret": True},
        "two_secrets": {"GenerateSecret": True},
        "limited": {"WriteAttributes": ["email"]},
        "keeping": {"EnableTokenRevocation": False},
    }
    found = {"client": world.client_id} | {
        f"{name}_client": world.create_client(**changes)["ClientId"]
        for name, changes in made.items()
    }
    world.admin.add_user_pool_client_secret(
        UserPoolId=world.pool_id, ClientId=found["two_secrets_client"]
    )
    return found


def _people(world: World) -> dict[str, str]:
    names = ("ada", "disabled", "reset", "unconfirmed", "invited", "was_invited", "new", "nobody")
    people = {name: f"{name}@example.org" for name in names}
    pool = {"UserPoolId": world.pool_id}
    for name in ("ada", "disabled", "reset"):
        world.sign_up(people[name])
        world.confirm(people[name])
    world.sign_up(people["unconfirmed"])
    world.admin.admin_disable_user(**pool, Username=people["disabled"])
    world.admin.admin_reset_user_password(**pool, Username=people["reset"])
    for name in ("invited", "was_invited"):
        world.admin.admin_create_user(**pool, Username=people[name], TemporaryPassword=PASSWORD)
    used = world.sign_in(people["was_invited"])["Session"]
    world.public.respond_to_auth_challenge(
        ClientId=world.client_id,
        ChallengeName="NEW_PASSWORD_REQUIRED",
        Session=used,
        ChallengeResponses={"USERNAME": people["was_invited"], "NEW_PASSWORD": PASSWORD},
    )
    sessions = {"session": world.sign_in(people["invited"])["Session"], "used_session": used}
    return people | sessions | {"password": PASSWORD, "no_session": "n" * 40}


def _tokens(world: World) -> dict[str, str]:
    tokens = world.sign_in("ada@example.org")["AuthenticationResult"]
    head, payload, _ = tokens["AccessToken"].split(".")
    revoked = world.signed_in("revoked@example.org")["AccessToken"]
    world.public.global_sign_out(AccessToken=revoked)
    deleted = world.signed_in("deleted@example.org")["AccessToken"]
    world.public.delete_user(AccessToken=deleted)
    return {
        "access": tokens["AccessToken"],
        "id": tokens["IdToken"],
        "refresh": tokens["RefreshToken"],
        "forged": f"{head}.{payload}.{'A' * 342}",
        "revoked": revoked,
        "deleted": deleted,
    }


def _other_pools(world: World) -> dict[str, str]:
    admin = world.admin
    plain: dict[str, Any] = {"UsernameAttributes": [], "AutoVerifiedAttributes": []}
    recovery = {"RecoveryMechanisms": [{"Name": "admin_only", "Priority": 1}]}
    world.create_pool(**plain, Schema=SCHEMA)
    found = {"names_pool": world.pool_id, "names_client": world.client_id}
    attributes = [{"Name": "custom:tenant", "Value": "a"}]
    world.sign_up("ada", UserAttributes=attributes)
    admin.admin_confirm_sign_up(UserPoolId=world.pool_id, Username="ada")
    found["names_access"] = world.sign_in("ada")["AuthenticationResult"]["AccessToken"]
    found["domain"] = "people-of-the-names"
    admin.create_user_pool_domain(UserPoolId=world.pool_id, Domain=found["domain"])
    world.create_pool(**plain, Schema=[{"Name": "given_name", "Required": True}])
    found["required_client"] = world.client_id
    only = {"AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True}}
    world.create_pool(**plain, **only, AccountRecoverySetting=recovery)
    found["invited_client"] = world.client_id
    admin.admin_create_user(UserPoolId=world.pool_id, Username="ada")
    admin.admin_set_user_password(
        UserPoolId=world.pool_id, Username="ada", Password=PASSWORD, Permanent=True
    )
    world.create_pool(DeletionProtection="ACTIVE")
    return found | {"protected_pool": world.pool_id}


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
