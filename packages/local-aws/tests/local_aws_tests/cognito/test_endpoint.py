"""The Cognito endpoint: calls that go on to moto, refusals, published documents, and persistence."""

import json
import pickle
import stat
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from local_aws.cognito import Cognito, State, inbox
from local_aws.settings import Settings
from local_aws_tests.cognito.user_pool_harness import (
    EMAIL,
    POOL,
    Functions,
    UserPoolHarness,
    refused,
)


def call(harness: UserPoolHarness, action: str, **body: Any) -> tuple[int, dict[str, Any]]:
    """Send an action that boto3 would refuse, or that needs no signature."""
    request = urllib.request.Request(
        harness.server.settings.aws_endpoint_url,
        data=json.dumps(body).encode(),
        headers={"X-Amz-Target": f"AWSCognitoIdentityProviderService.{action}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.mark.parametrize(
    "action", ["SetUserSettings", "CreateIdentityProvider", "SetRiskConfiguration", "Nonsense"]
)
def test_an_unlisted_call_is_refused_by_name(harness: UserPoolHarness, action: str) -> None:
    status, told = call(harness, action, AccessToken="x")
    assert status == 501
    assert told["__type"] == "NotEmulated"
    assert f"cognito-idp: not emulated: the call {action}." in told["message"]


@pytest.mark.parametrize(
    "action",
    ["AdminCreateUser", "AdminSetUserPassword", "AdminInitiateAuth", "ListUsers", "UpdateUserPool"],
)
def test_an_administrators_call_must_be_signed(harness: UserPoolHarness, action: str) -> None:
    harness.sign_up()
    status, told = call(
        harness, action, UserPoolId=harness.pool_id, Username=EMAIL, Password="Correct-Horse-8"
    )
    assert (status, told["__type"]) == (400, "MissingAuthenticationTokenException")


def test_null_counts_as_a_missing_member(harness: UserPoolHarness) -> None:
    """Send DEVICE_KEY: null, as amazon-cognito-identity-js does in a browser with empty storage."""
    tokens = harness.signed_in()
    status, told = call(
        harness,
        "InitiateAuth",
        ClientId=harness.client_id,
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"], "DEVICE_KEY": None},
        ClientMetadata=None,
    )
    assert status == 200, told


@pytest.mark.parametrize(
    "setting",
    [
        {
            "LambdaConfig": {
                "CustomEmailSender": {
                    "LambdaVersion": "V1_0",
                    "LambdaArn": "arn:aws:lambda:eu-central-1:000000000000:function:x",
                },
                "KMSKeyID": "arn:aws:kms:eu-central-1:000000000000:key/x",
            }
        },
        {"AliasAttributes": ["email"], "UsernameAttributes": []},
        {"UsernameAttributes": ["phone_number"]},
        {"MfaConfiguration": "ON"},
        {"DeviceConfiguration": {"ChallengeRequiredOnNewDevice": True}},
        {"VerificationMessageTemplate": {"DefaultEmailOption": "CONFIRM_WITH_LINK"}},
    ],
)
def test_a_pool_with_an_unsupported_setting_is_refused(
    harness: UserPoolHarness, setting: dict[str, Any]
) -> None:
    with refused("NotEmulated", status=501):
        harness.admin.create_user_pool(PoolName="x", **(POOL | setting))


def test_a_client_with_an_unsupported_setting_is_refused(harness: UserPoolHarness) -> None:
    with refused("NotEmulated", status=501):
        harness.create_client(AllowedOAuthFlows=["implicit"], AllowedOAuthScopes=["openid"])


def test_an_update_keeps_the_username_attributes(harness: UserPoolHarness) -> None:
    """Check this, because moto replaces the whole configuration, and an update cannot send these
    two.
    """
    harness.admin.update_user_pool(UserPoolId=harness.pool_id, AutoVerifiedAttributes=["email"])
    pool = harness.admin.describe_user_pool(UserPoolId=harness.pool_id)["UserPool"]
    assert pool["UsernameAttributes"] == ["email"]
    assert pool["UsernameConfiguration"] == {"CaseSensitive": False}


def test_administrators_calls_ignore_the_case_of_a_name(harness: UserPoolHarness) -> None:
    harness.sign_up()
    harness.admin.create_group(UserPoolId=harness.pool_id, GroupName="staff")
    upper = {"UserPoolId": harness.pool_id, "Username": EMAIL.upper()}
    harness.admin.admin_add_user_to_group(**upper, GroupName="staff")
    assert harness.user(EMAIL.upper())["Attributes"]["email"] == EMAIL
    assert [
        group["GroupName"] for group in harness.admin.admin_list_groups_for_user(**upper)["Groups"]
    ] == ["staff"]
    with refused("UserNotFoundException", "User does not exist."):
        harness.user("eve@example.org")


def test_a_resource_server_is_updated_and_deleted(harness: UserPoolHarness) -> None:
    server = {"UserPoolId": harness.pool_id, "Identifier": "atrium"}
    harness.admin.create_resource_server(
        **server, Name="Atrium", Scopes=[{"ScopeName": "me", "ScopeDescription": "own"}]
    )
    harness.admin.update_resource_server(
        **server, Name="Atrium", Scopes=[{"ScopeName": "all", "ScopeDescription": "all"}]
    )
    found = harness.admin.describe_resource_server(**server)["ResourceServer"]
    assert [scope["ScopeName"] for scope in found["Scopes"]] == ["all"]
    harness.admin.delete_resource_server(**server)
    with refused("ResourceNotFoundException"):
        harness.admin.describe_resource_server(**server)


def test_tags_are_stored_and_removed(harness: UserPoolHarness) -> None:
    arn = harness.admin.describe_user_pool(UserPoolId=harness.pool_id)["UserPool"]["Arn"]
    harness.admin.tag_resource(ResourceArn=arn, Tags={"stage": "dev", "owner": "ada"})
    harness.admin.untag_resource(ResourceArn=arn, TagKeys=["owner"])
    assert harness.admin.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"stage": "dev"}


def test_keys_and_configuration_are_published(harness: UserPoolHarness) -> None:
    status, published = harness.get(f"/{harness.pool_id}/.well-known/jwks.json")
    assert status == 200
    [key] = published["keys"]
    assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")
    assert key["kid"]
    assert "d" not in key
    assert published["keys"] == harness.server.cognito.key_set(harness.pool_id)

    status, configuration = harness.get(f"/{harness.pool_id}/.well-known/openid-configuration")
    assert configuration["issuer"] == harness.server.cognito.issuer(harness.pool_id)
    assert configuration["jwks_uri"] == f"{configuration['issuer']}/.well-known/jwks.json"
    assert "authorization_endpoint" not in configuration  # the pool has no domain


@pytest.mark.parametrize("document", ["jwks.json", "openid-configuration"])
def test_an_unknown_pool_publishes_nothing(harness: UserPoolHarness, document: str) -> None:
    status, told = harness.get(f"/eu-central-1_nobody/.well-known/{document}")
    assert status == 400
    assert told == {"message": "User pool eu-central-1_nobody does not exist."}


def test_the_key_is_random_persistent_and_private(tmp_path: Path) -> None:
    def key_of(name: str) -> dict[str, Any]:
        settings = Settings(root=tmp_path, state_name=name)
        return Cognito(settings, Functions().invoke)._service.key.public()

    first = key_of("one")
    assert key_of("one") == first
    assert key_of("two") != first
    file = tmp_path / "one" / "keys" / "cognito.pem"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_state_can_be_pickled(harness: UserPoolHarness) -> None:
    """Check everything that a later run continues: codes, challenges, refresh tokens, revocations
    and the inbox.
    """
    tokens = harness.signed_in()
    gone = harness.sign_in()["AuthenticationResult"]
    harness.public.revoke_token(Token=gone["RefreshToken"], ClientId=harness.client_id)
    harness.sign_up("eve@example.org")
    cognito = harness.server.cognito
    cognito.state = pickle.loads(pickle.dumps(cognito.state))  # noqa: S301 - what it wrote itself
    assert harness.refresh(tokens["RefreshToken"])
    with refused("NotAuthorizedException", "Refresh Token has been revoked"):
        harness.refresh(gone["RefreshToken"])
    harness.confirm("eve@example.org")


def test_a_snapshot_of_an_older_release_is_loaded() -> None:
    state = State()
    state.temporary_passwords["sub"] = 1.0
    del state.__dict__["software_tokens"]
    older = pickle.loads(pickle.dumps(state))  # noqa: S301 - what it wrote itself
    assert older.software_tokens == {}
    assert older.temporary_passwords == {"sub": 1.0}


def test_the_size_of_the_inbox_is_limited(harness: UserPoolHarness) -> None:
    service = harness.server.cognito._service
    for number in range(inbox.KEPT + 5):
        inbox.deliver(service, f"{number}@example.org", "Hello", "123456", "123456")
    assert len(harness.mails()) == inbox.KEPT
    assert harness.mails()[-1]["to"] == f"{inbox.KEPT + 4}@example.org"
