"""Account calls: GetUser, DeleteUser, AdminUpdateUserAttributes, and the ways to sign out."""

from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from local_aws_tests.cognito.world import EMAIL, World, refused

REVOKED = "Access Token has been revoked"


def get_user(world: World, token: str) -> dict[str, Any]:
    found: dict[str, Any] = world.public.get_user(AccessToken=token)
    return found | {"Attributes": {a["Name"]: a["Value"] for a in found["UserAttributes"]}}


def test_an_access_token_gives_access_to_the_users_own_record(world: World) -> None:
    user = get_user(world, world.signed_in()["AccessToken"])
    assert user["Attributes"] == {"sub": user["Username"], "email": EMAIL, "email_verified": "true"}


def test_a_client_sees_only_the_attributes_it_may_read(world: World) -> None:
    world.client_id = world.create_client(ReadAttributes=["email"])["ClientId"]
    tokens = world.signed_in()
    assert get_user(world, tokens["AccessToken"])["Attributes"].keys() == {"sub", "email"}
    assert "email_verified" not in world.claims(tokens["IdToken"])


def test_account_calls_need_an_access_token(world: World) -> None:
    tokens = world.signed_in()
    with refused("NotAuthorizedException", "Invalid Access Token"):
        get_user(world, tokens["IdToken"])
    with refused("NotAuthorizedException"):
        get_user(world, tokens["RefreshToken"])


def test_an_expired_access_token_is_refused(world: World) -> None:
    world.server.clock.stop()
    token = world.signed_in()["AccessToken"]
    world.server.clock.advance(30 * 60 - 5)
    assert get_user(world, token)
    world.server.clock.advance(6)
    with refused("NotAuthorizedException", "Access Token has expired"):
        get_user(world, token)


def test_a_token_signed_by_another_key_is_refused(world: World) -> None:
    claims = dict(world.claims(world.signed_in()["AccessToken"]))
    forged = jwt.encode({"alg": "RS256", "kid": "mine"}, claims, RSAKey.generate_key(2048))
    with refused("NotAuthorizedException", "Could not verify signature for Access Token"):
        get_user(world, forged)


def test_a_token_without_a_signature_is_refused(world: World) -> None:
    _, payload, _ = world.signed_in()["AccessToken"].split(".")
    with refused("NotAuthorizedException", "Could not verify signature for Access Token"):
        get_user(world, f"eyJhbGciOiJub25lIn0.{payload}.")


def test_signing_out_everywhere_ends_access_and_refresh_tokens(world: World) -> None:
    phone = world.signed_in()
    laptop = world.sign_in()["AuthenticationResult"]
    someone_else = world.signed_in("eve@example.org")
    world.public.global_sign_out(AccessToken=phone["AccessToken"])
    for tokens in (phone, laptop):
        with refused("NotAuthorizedException", REVOKED):
            get_user(world, tokens["AccessToken"])
        with refused("NotAuthorizedException", "Refresh Token has been revoked"):
            world.refresh(tokens["RefreshToken"])
    assert world.refresh(someone_else["RefreshToken"])
    assert world.sign_in()["AuthenticationResult"]


def test_an_administrator_signs_a_user_out_everywhere(world: World) -> None:
    tokens = world.signed_in()
    world.admin.admin_user_global_sign_out(UserPoolId=world.pool_id, Username=EMAIL.upper())
    with refused("NotAuthorizedException", REVOKED):
        get_user(world, tokens["AccessToken"])
    with refused("NotAuthorizedException", "Refresh Token has been revoked"):
        world.refresh(tokens["RefreshToken"])


def test_revoking_a_refresh_token_ends_only_its_sign_in(world: World) -> None:
    phone = world.signed_in()
    laptop = world.sign_in()["AuthenticationResult"]
    fresh = world.refresh(phone["RefreshToken"])["AuthenticationResult"]
    world.public.revoke_token(Token=phone["RefreshToken"], ClientId=world.client_id)
    for token in (phone["AccessToken"], fresh["AccessToken"]):
        with refused("NotAuthorizedException", REVOKED):
            get_user(world, token)
    with refused("NotAuthorizedException", "Refresh Token has been revoked"):
        world.refresh(phone["RefreshToken"])
    assert get_user(world, laptop["AccessToken"])
    assert world.refresh(laptop["RefreshToken"])


def test_a_client_revokes_only_its_own_refresh_tokens(world: World) -> None:
    tokens = world.signed_in()
    with refused("UnsupportedTokenTypeException"):
        world.public.revoke_token(Token=tokens["AccessToken"], ClientId=world.client_id)
    with refused("UnauthorizedException"):
        world.public.revoke_token(
            Token=tokens["RefreshToken"], ClientId=world.create_client()["ClientId"]
        )
    world.public.revoke_token(Token="unknown", ClientId=world.client_id)
    assert world.refresh(tokens["RefreshToken"])


def test_a_user_deletes_their_own_account(world: World) -> None:
    tokens = world.signed_in()
    world.admin.create_group(UserPoolId=world.pool_id, GroupName="staff")
    world.admin.admin_add_user_to_group(UserPoolId=world.pool_id, GroupName="staff", Username=EMAIL)
    world.public.delete_user(AccessToken=tokens["AccessToken"])
    with refused("UserNotFoundException"):
        world.user()
    assert (
        world.admin.list_users_in_group(UserPoolId=world.pool_id, GroupName="staff")["Users"] == []
    )
    with refused("UserNotFoundException", "User does not exist."):
        get_user(world, tokens["AccessToken"])
    assert world.sign_up()["UserSub"]


def update(world: World, username: str, **values: str) -> None:
    attributes = [{"Name": name, "Value": value} for name, value in values.items()]
    world.admin.admin_update_user_attributes(
        UserPoolId=world.pool_id, Username=username, UserAttributes=attributes
    )


def test_an_administrator_changes_attributes(world: World) -> None:
    world.signed_in()
    update(world, EMAIL.upper(), given_name="Ada", email=EMAIL)
    update(world, EMAIL, email="countess@example.org", email_verified="true")
    assert world.sign_in("countess@example.org")["AuthenticationResult"]
    world.signed_in()
    with refused("AliasExistsException", "An account with the given email already exists."):
        update(world, EMAIL, email="Countess@example.org", email_verified="true")


@pytest.mark.parametrize("name", ["shoe", "sub"])
def test_immutable_attributes_are_refused(world: World, name: str) -> None:
    world.signed_in()
    with refused("InvalidParameterException"):
        update(world, EMAIL, **{name: "x"})
