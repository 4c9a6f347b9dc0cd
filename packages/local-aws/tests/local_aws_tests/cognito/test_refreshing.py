"""Refreshing by GetTokensFromRefreshToken, with and without rotation of the refresh token."""

from typing import Any

import pytest

from local_aws_tests.cognito.user_pool_harness import CLIENT, UserPoolHarness, refused

ROTATING: dict[str, Any] = {
    "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
    "RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 10},
}
REUSED = "RefreshTokenReuseException"


def renew(harness: UserPoolHarness, refresh_token: str, **more: str) -> dict[str, Any]:
    answer: dict[str, Any] = harness.public.get_tokens_from_refresh_token(
        ClientId=harness.client_id, RefreshToken=refresh_token, **more
    )
    result: dict[str, Any] = answer["AuthenticationResult"]
    return result


def rotating(harness: UserPoolHarness, grace: int = 10) -> str:
    """Sign in at a client that rotates refresh tokens; return the first refresh token."""
    rotation = {"Feature": "ENABLED", "RetryGracePeriodSeconds": grace}
    client = harness.create_client(**ROTATING | {"RefreshTokenRotation": rotation})
    harness.client_id = client["ClientId"]
    harness.server.clock.stop()
    return str(harness.signed_in()["RefreshToken"])


def test_a_client_without_rotation_keeps_its_refresh_token(harness: UserPoolHarness) -> None:
    tokens = harness.signed_in()
    for _ in range(2):
        renewed = renew(harness, tokens["RefreshToken"])
        assert set(renewed) == {"AccessToken", "IdToken", "ExpiresIn", "TokenType"}
    first, second = (harness.claims(each["AccessToken"]) for each in (tokens, renewed))
    assert first["origin_jti"] == second["origin_jti"]
    assert first["jti"] != second["jti"]


def test_a_client_without_refresh_is_refused(harness: UserPoolHarness) -> None:
    refresh_token = harness.signed_in()["RefreshToken"]
    harness.admin.update_user_pool_client(
        UserPoolId=harness.pool_id,
        ClientId=harness.client_id,
        **CLIENT | {"ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH"]},
    )
    with refused("InvalidParameterException", "Auth flow not enabled for this client"):
        renew(harness, refresh_token)


def test_rotation_replaces_the_refresh_token(harness: UserPoolHarness) -> None:
    first = rotating(harness, grace=0)
    second = renew(harness, first)["RefreshToken"]
    assert second != first
    with refused(REUSED):
        renew(harness, first)
    assert renew(harness, second)["RefreshToken"] not in (first, second)


def test_a_rotated_token_is_accepted_again_within_the_grace_period(
    harness: UserPoolHarness,
) -> None:
    first = rotating(harness)
    lost, second = (renew(harness, first)["RefreshToken"] for _ in range(2))
    harness.server.clock.advance(11)
    with refused(REUSED):
        renew(harness, first)
    for token in (lost, second):
        assert renew(harness, token)["AccessToken"]


def test_a_rotated_token_expires_when_the_first_one_would(harness: UserPoolHarness) -> None:
    first = rotating(harness)
    harness.server.clock.advance(11 * 3600)
    second = renew(harness, first)["RefreshToken"]
    harness.server.clock.advance(3600)
    with refused("NotAuthorizedException", "Refresh Token has expired"):
        renew(harness, second)


def test_revoking_a_rotated_token_ends_the_sign_in(harness: UserPoolHarness) -> None:
    first = rotating(harness)
    second = renew(harness, first)
    harness.public.revoke_token(Token=second["RefreshToken"], ClientId=harness.client_id)
    for token in (first, second["RefreshToken"]):
        with refused("NotAuthorizedException", "Refresh Token has been revoked"):
            renew(harness, token)
    with refused("NotAuthorizedException", "Access Token has been revoked"):
        harness.public.get_user(AccessToken=second["AccessToken"])


def test_rotated_tokens_are_not_refreshed_by_initiate_auth(harness: UserPoolHarness) -> None:
    first = rotating(harness)
    with refused("InvalidParameterException", "Auth flow not enabled for this client"):
        harness.refresh(first)


def test_a_confidential_client_needs_its_secret(harness: UserPoolHarness) -> None:
    created = harness.create_client(GenerateSecret=True)
    harness.client_id = created["ClientId"]
    harness.admin.admin_create_user(UserPoolId=harness.pool_id, Username="ada@example.org")
    with refused("NotAuthorizedException"):
        renew(harness, "a.b", ClientSecret="s" * 24)
    with refused("NotAuthorizedException", "Invalid Refresh Token."):
        renew(harness, "a.b", ClientSecret=created["ClientSecret"])


@pytest.mark.parametrize("token", ["unknown", "00000000.unknown"])
def test_an_unknown_refresh_token_is_refused(harness: UserPoolHarness, token: str) -> None:
    with refused("NotAuthorizedException", "Invalid Refresh Token."):
        renew(harness, token)
    with refused("NotAuthorizedException", "Invalid Refresh Token"):
        harness.refresh(token)
