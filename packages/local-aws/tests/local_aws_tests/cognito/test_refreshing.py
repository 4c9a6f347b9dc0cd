"""Refreshing by GetTokensFromRefreshToken, with and without rotation of the refresh token."""

from typing import Any

import pytest

from local_aws_tests.cognito.world import CLIENT, World, refused

ROTATING: dict[str, Any] = {
    "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
    "RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 10},
}
REUSED = "RefreshTokenReuseException"


def renew(world: World, refresh_token: str, **more: str) -> dict[str, Any]:
    answer: dict[str, Any] = world.public.get_tokens_from_refresh_token(
        ClientId=world.client_id, RefreshToken=refresh_token, **more
    )
    result: dict[str, Any] = answer["AuthenticationResult"]
    return result


def rotating(world: World, grace: int = 10) -> str:
    """Sign in at a client that rotates refresh tokens; return the first refresh token."""
    rotation = {"Feature": "ENABLED", "RetryGracePeriodSeconds": grace}
    client = world.create_client(**ROTATING | {"RefreshTokenRotation": rotation})
    world.client_id = client["ClientId"]
    world.server.clock.stop()
    return str(world.signed_in()["RefreshToken"])


def test_a_client_without_rotation_keeps_its_refresh_token(world: World) -> None:
    tokens = world.signed_in()
    for _ in range(2):
        renewed = renew(world, tokens["RefreshToken"])
        assert set(renewed) == {"AccessToken", "IdToken", "ExpiresIn", "TokenType"}
    first, second = (world.claims(each["AccessToken"]) for each in (tokens, renewed))
    assert first["origin_jti"] == second["origin_jti"]
    assert first["jti"] != second["jti"]


def test_a_client_without_refresh_is_refused(world: World) -> None:
    refresh_token = world.signed_in()["RefreshToken"]
    world.admin.update_user_pool_client(
        UserPoolId=world.pool_id,
        ClientId=world.client_id,
        **CLIENT | {"ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH"]},
    )
    with refused("InvalidParameterException", "Auth flow not enabled for this client"):
        renew(world, refresh_token)


def test_rotation_replaces_the_refresh_token(world: World) -> None:
    first = rotating(world, grace=0)
    second = renew(world, first)["RefreshToken"]
    assert second != first
    with refused(REUSED):
        renew(world, first)
    assert renew(world, second)["RefreshToken"] not in (first, second)


def test_a_rotated_token_is_accepted_again_within_the_grace_period(world: World) -> None:
    first = rotating(world)
    lost, second = (renew(world, first)["RefreshToken"] for _ in range(2))
    world.server.clock.advance(11)
    with refused(REUSED):
        renew(world, first)
    for token in (lost, second):
        assert renew(world, token)["AccessToken"]


def test_a_rotated_token_expires_when_the_first_one_would(world: World) -> None:
    first = rotating(world)
    world.server.clock.advance(11 * 3600)
    second = renew(world, first)["RefreshToken"]
    world.server.clock.advance(3600)
    with refused("NotAuthorizedException", "Refresh Token has expired"):
        renew(world, second)


def test_revoking_a_rotated_token_ends_the_sign_in(world: World) -> None:
    first = rotating(world)
    second = renew(world, first)
    world.public.revoke_token(Token=second["RefreshToken"], ClientId=world.client_id)
    for token in (first, second["RefreshToken"]):
        with refused("NotAuthorizedException", "Refresh Token has been revoked"):
            renew(world, token)
    with refused("NotAuthorizedException", "Access Token has been revoked"):
        world.public.get_user(AccessToken=second["AccessToken"])


def test_rotated_tokens_are_not_refreshed_by_initiate_auth(world: World) -> None:
    first = rotating(world)
    with refused("InvalidParameterException", "Auth flow not enabled for this client"):
        world.refresh(first)


def test_a_confidential_client_needs_its_secret(world: World) -> None:
    created = world.create_client(GenerateSecret=True)
    world.client_id = created["ClientId"]
    world.admin.admin_create_user(UserPoolId=world.pool_id, Username="ada@example.org")
    with refused("NotAuthorizedException"):
        renew(world, "a.b", ClientSecret="s" * 24)
    with refused("NotAuthorizedException", "Invalid Refresh Token."):
        renew(world, "a.b", ClientSecret=created["ClientSecret"])


@pytest.mark.parametrize("token", ["unknown", "00000000.unknown"])
def test_an_unknown_refresh_token_is_refused(world: World, token: str) -> None:
    with refused("NotAuthorizedException", "Invalid Refresh Token."):
        renew(world, token)
    with refused("NotAuthorizedException", "Invalid Refresh Token"):
        world.refresh(token)
