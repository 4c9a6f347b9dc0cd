"""App clients: AWS's defaults, an update that resets what it omits, and two secrets at most."""

import base64
import hashlib
import hmac
from typing import Any

import pytest

from local_aws_tests.cognito.user_pool_harness import (
    CLIENT,
    EMAIL,
    PASSWORD,
    UserPoolHarness,
    refused,
)


def create(harness: UserPoolHarness, **settings: Any) -> dict[str, Any]:
    """Create a client with these settings only."""
    created: dict[str, Any] = harness.admin.create_user_pool_client(
        UserPoolId=harness.pool_id, ClientName="service", **settings
    )["UserPoolClient"]
    return created


def update(harness: UserPoolHarness, client_id: str, **settings: Any) -> dict[str, Any]:
    changed: dict[str, Any] = harness.admin.update_user_pool_client(
        UserPoolId=harness.pool_id, ClientId=client_id, **settings
    )["UserPoolClient"]
    return changed


def describe(harness: UserPoolHarness, client_id: str) -> dict[str, Any]:
    found: dict[str, Any] = harness.admin.describe_user_pool_client(
        UserPoolId=harness.pool_id, ClientId=client_id
    )["UserPoolClient"]
    return found


DEFAULTS = {
    "RefreshTokenValidity": 30,
    "AllowedOAuthFlowsUserPoolClient": False,
    "EnableTokenRevocation": True,
    "EnablePropagateAdditionalUserContextData": False,
    "AuthSessionValidity": 3,
}


def test_a_client_without_settings_has_the_defaults_of_aws(harness: UserPoolHarness) -> None:
    created = create(harness)
    described = describe(harness, created["ClientId"])
    assert described == created
    for changing in ("CreationDate", "LastModifiedDate", "ClientId"):
        described.pop(changing)
    assert described == {"UserPoolId": harness.pool_id, "ClientName": "service", **DEFAULTS}


def test_an_update_resets_what_it_omits(harness: UserPoolHarness) -> None:
    created = create(
        harness,
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"],
        EnableTokenRevocation=False,
        RefreshTokenValidity=5,
        PreventUserExistenceErrors="ENABLED",
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["openid"],
        CallbackURLs=["https://example.org/"],
        ReadAttributes=["email"],
    )
    updated = update(harness, created["ClientId"], ReadAttributes=["name"])
    assert updated == describe(harness, created["ClientId"])
    assert updated["CreationDate"] == created["CreationDate"]
    for changing in ("CreationDate", "LastModifiedDate"):
        updated.pop(changing)
    assert updated == {
        "UserPoolId": harness.pool_id,
        "ClientId": created["ClientId"],
        "ClientName": "service",
        "ReadAttributes": ["name"],
        **DEFAULTS,
    }


def test_an_update_keeps_the_secret(harness: UserPoolHarness) -> None:
    created = create(harness, GenerateSecret=True)
    assert update(harness, created["ClientId"])["ClientSecret"] == created["ClientSecret"]


@pytest.mark.parametrize(
    ("settings", "code", "message"),
    [
        (
            {"ReadAttributes": ["shoe_size"]},
            "InvalidParameterException",
            "Invalid read attributes specified while creating a client",
        ),
        (
            {"WriteAttributes": ["email_verified"]},
            "InvalidParameterException",
            "Invalid write attributes specified while creating a client",
        ),
        (
            {"AccessTokenValidity": 2, "TokenValidityUnits": {"AccessToken": "minutes"}},
            "InvalidParameterException",
            "Invalid range for token validity.",
        ),
        (
            {"AllowedOAuthFlowsUserPoolClient": True},
            "InvalidOAuthFlowException",
            "AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed"
            " to use OAuth flows.",
        ),
        (
            {"AllowedOAuthFlows": ["client_credentials"], "AllowedOAuthScopes": ["openid"]},
            "InvalidOAuthFlowException",
            "client_credentials flow can not be selected if client does not have a client secret.",
        ),
        (
            {"AllowedOAuthFlows": ["code", "client_credentials"], "GenerateSecret": True},
            "InvalidOAuthFlowException",
            "client_credentials flow can not be selected along with code flow or implicit flow.",
        ),
        (
            {"AllowedOAuthScopes": ["api/unknown"]},
            "ScopeDoesNotExistException",
            "Invalid scope requested: api/unknown",
        ),
        (
            {"CallbackURLs": ["http://example.org/"]},
            "InvalidParameterException",
            "http://example.org/ cannot use the HTTP protocol.",
        ),
        ({"ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "USER_PASSWORD_AUTH"]}, None, None),
        (
            {
                "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"],
                "RefreshTokenRotation": {"Feature": "ENABLED"},
            },
            None,
            None,
        ),
    ],
)
def test_settings_that_aws_refuses(
    harness: UserPoolHarness, settings: dict[str, Any], code: str | None, message: str | None
) -> None:
    with refused(code or "InvalidParameterException", message):
        create(harness, **settings)


def test_clients_are_listed_in_pages(harness: UserPoolHarness) -> None:
    for _ in range(2):
        create(harness)
    first = harness.admin.list_user_pool_clients(UserPoolId=harness.pool_id, MaxResults=2)
    rest = harness.admin.list_user_pool_clients(
        UserPoolId=harness.pool_id, MaxResults=2, NextToken=first["NextToken"]
    )
    assert [len(first["UserPoolClients"]), len(rest["UserPoolClients"])] == [2, 1]
    assert "NextToken" not in rest


def secret_hash(client_id: str, secret: str) -> str:
    digest = hmac.digest(secret.encode(), (EMAIL + client_id).encode(), hashlib.sha256)
    return base64.b64encode(digest).decode()


def sign_in(harness: UserPoolHarness, client_id: str, secret: str) -> None:
    harness.public.initiate_auth(
        ClientId=client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={
            "USERNAME": EMAIL,
            "PASSWORD": PASSWORD,
            "SECRET_HASH": secret_hash(client_id, secret),
        },
    )


def test_a_secret_is_rotated_without_a_gap(harness: UserPoolHarness) -> None:
    harness.signed_in()
    created = create(harness, GenerateSecret=True, ExplicitAuthFlows=CLIENT["ExplicitAuthFlows"])
    names = {"UserPoolId": harness.pool_id, "ClientId": created["ClientId"]}
    old = created["ClientSecret"]
    added = harness.admin.add_user_pool_client_secret(**names)["ClientSecretDescriptor"]
    for secret in (old, added["ClientSecretValue"]):
        sign_in(harness, created["ClientId"], secret)
    with refused("LimitExceededException", "Client secrets cannot exceed limit of 2 secrets."):
        harness.admin.add_user_pool_client_secret(**names)
    listed = harness.admin.list_user_pool_client_secrets(**names)["ClientSecrets"]
    assert [set(each) for each in listed] == [{"ClientSecretId", "ClientSecretCreateDate"}] * 2
    first, second = (each["ClientSecretId"] for each in listed)
    assert second == added["ClientSecretId"]
    harness.admin.delete_user_pool_client_secret(**names, ClientSecretId=first)
    sign_in(harness, created["ClientId"], added["ClientSecretValue"])
    with refused("NotAuthorizedException"):
        sign_in(harness, created["ClientId"], old)
    with refused("InvalidParameterException"):
        harness.admin.delete_user_pool_client_secret(**names, ClientSecretId=second)
    with refused("ResourceNotFoundException"):
        harness.admin.delete_user_pool_client_secret(**names, ClientSecretId=first)


def test_a_given_secret_is_not_returned(harness: UserPoolHarness) -> None:
    created = create(harness, GenerateSecret=True)
    answer = harness.admin.add_user_pool_client_secret(
        UserPoolId=harness.pool_id, ClientId=created["ClientId"], ClientSecret="s" * 24
    )
    assert "ClientSecretValue" not in answer["ClientSecretDescriptor"]


def test_a_public_client_gets_no_secret(harness: UserPoolHarness) -> None:
    with refused("InvalidParameterException"):
        harness.admin.add_user_pool_client_secret(
            UserPoolId=harness.pool_id, ClientId=harness.client_id
        )
    with refused(
        "NotAuthorizedException", f"Unable to verify secret hash for client {harness.client_id}"
    ):
        sign_in(harness, harness.client_id, "secret")


def test_an_update_of_the_pool_resets_what_it_omits(harness: UserPoolHarness) -> None:
    harness.require_mfa("OPTIONAL")
    harness.admin.update_user_pool(UserPoolId=harness.pool_id, DeletionProtection="ACTIVE")
    with refused("InvalidParameterException"):
        harness.admin.delete_user_pool(UserPoolId=harness.pool_id)
    harness.admin.update_user_pool(UserPoolId=harness.pool_id)
    pool = harness.admin.describe_user_pool(UserPoolId=harness.pool_id)["UserPool"]
    assert (pool["DeletionProtection"], pool["MfaConfiguration"]) == ("INACTIVE", "OFF")
    assert pool["Policies"]["PasswordPolicy"]["MinimumLength"] == 8
    assert "AutoVerifiedAttributes" not in pool
    harness.admin.delete_user_pool(UserPoolId=harness.pool_id)
