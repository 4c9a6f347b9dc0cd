"""Account calls: GetUser, DeleteUser, AdminUpdateUserAttributes, and the ways to sign out."""

from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from local_aws_tests.cognito.user_pool_harness import EMAIL, UserPoolHarness, refused

REVOKED = "Access Token has been revoked"


def get_user(harness: UserPoolHarness, token: str) -> dict[str, Any]:
    found: dict[str, Any] = harness.public.get_user(AccessToken=token)
    return found | {"Attributes": {a["Name"]: a["Value"] for a in found["UserAttributes"]}}


def test_an_access_token_gives_access_to_the_users_own_record(harness: UserPoolHarness) -> None:
    user = get_user(harness, harness.signed_in()["AccessToken"])
    assert user["Attributes"] == {"sub": user["Username"], "email": EMAIL, "email_verified": "true"}


def test_a_client_sees_only_the_attributes_it_may_read(harness: UserPoolHarness) -> None:
    harness.client_id = harness.create_client(ReadAttributes=["email"])["ClientId"]
    tokens = harness.signed_in()
    assert get_user(harness, tokens["AccessToken"])["Attributes"].keys() == {"sub", "email"}
    assert "email_verified" not in harness.claims(tokens["IdToken"])


def test_account_calls_need_an_access_token(harness: UserPoolHarness) -> None:
    tokens = harness.signed_in()
    with refused("NotAuthorizedException", "Invalid Access Token"):
        get_user(harness, tokens["IdToken"])
    with refused("NotAuthorizedException"):
        get_user(harness, tokens["RefreshToken"])


def test_an_expired_access_token_is_refused(harness: UserPoolHarness) -> None:
    harness.server.clock.stop()
    token = harness.signed_in()["AccessToken"]
    harness.server.clock.advance(30 * 60 - 5)
    assert get_user(harness, token)
    harness.server.clock.advance(6)
    with refused("NotAuthorizedException", "Access Token has expired"):
        get_user(harness, token)


def test_a_token_signed_by_another_key_is_refused(harness: UserPoolHarness) -> None:
    claims = dict(harness.claims(harness.signed_in()["AccessToken"]))
    forged = jwt.encode({"alg": "RS256", "kid": "mine"}, claims, RSAKey.generate_key(2048))
    with refused("NotAuthorizedException", "Could not verify signature for Access Token"):
        get_user(harness, forged)


def test_a_token_without_a_signature_is_refused(harness: UserPoolHarness) -> None:
    _, payload, _ = harness.signed_in()["AccessToken"].split(".")
    with refused("NotAuthorizedException", "Could not verify signature for Access Token"):
        get_user(harness, f"eyJhbGciOiJub25lIn0.{payload}.")


def test_signing_out_everywhere_ends_access_and_refresh_tokens(harness: UserPoolHarness) -> None:
    phone = harness.signed_in()
    laptop = harness.sign_in()["AuthenticationResult"]
    someone_else = harness.signed_in("eve@example.org")
    harness.public.global_sign_out(AccessToken=phone["AccessToken"])
    for tokens in (phone, laptop):
        with refused("NotAuthorizedException", REVOKED):
            get_user(harness, tokens["AccessToken"])
        with refused("NotAuthorizedException", "Refresh Token has been revoked"):
            harness.refresh(tokens["RefreshToken"])
    assert harness.refresh(someone_else["RefreshToken"])
    assert harness.sign_in()["AuthenticationResult"]


def test_an_administrator_signs_a_user_out_everywhere(harness: UserPoolHarness) -> None:
    tokens = harness.signed_in()
    harness.admin.admin_user_global_sign_out(UserPoolId=harness.pool_id, Username=EMAIL.upper())
    with refused("NotAuthorizedException", REVOKED):
        get_user(harness, tokens["AccessToken"])
    with refused("NotAuthorizedException", "Refresh Token has been revoked"):
        harness.refresh(tokens["RefreshToken"])


def test_revoking_a_refresh_token_ends_only_its_sign_in(harness: UserPoolHarness) -> None:
    phone = harness.signed_in()
    laptop = harness.sign_in()["AuthenticationResult"]
    fresh = harness.refresh(phone["RefreshToken"])["AuthenticationResult"]
    harness.public.revoke_token(Token=phone["RefreshToken"], ClientId=harness.client_id)
    for token in (phone["AccessToken"], fresh["AccessToken"]):
        with refused("NotAuthorizedException", REVOKED):
            get_user(harness, token)
    with refused("NotAuthorizedException", "Refresh Token has been revoked"):
        harness.refresh(phone["RefreshToken"])
    assert get_user(harness, laptop["AccessToken"])
    assert harness.refresh(laptop["RefreshToken"])


def test_a_client_revokes_only_its_own_refresh_tokens(harness: UserPoolHarness) -> None:
    tokens = harness.signed_in()
    with refused("UnsupportedTokenTypeException"):
        harness.public.revoke_token(Token=tokens["AccessToken"], ClientId=harness.client_id)
    with refused("UnauthorizedException"):
        harness.public.revoke_token(
            Token=tokens["RefreshToken"], ClientId=harness.create_client()["ClientId"]
        )
    harness.public.revoke_token(Token="unknown", ClientId=harness.client_id)
    assert harness.refresh(tokens["RefreshToken"])


def test_a_user_deletes_their_own_account(harness: UserPoolHarness) -> None:
    tokens = harness.signed_in()
    harness.admin.create_group(UserPoolId=harness.pool_id, GroupName="staff")
    harness.admin.admin_add_user_to_group(
        UserPoolId=harness.pool_id, GroupName="staff", Username=EMAIL
    )
    harness.public.delete_user(AccessToken=tokens["AccessToken"])
    with refused("UserNotFoundException"):
        harness.user()
    assert (
        harness.admin.list_users_in_group(UserPoolId=harness.pool_id, GroupName="staff")["Users"]
        == []
    )
    with refused("UserNotFoundException", "User does not exist."):
        get_user(harness, tokens["AccessToken"])
    assert harness.sign_up()["UserSub"]


def update(harness: UserPoolHarness, username: str, **values: str) -> None:
    attributes = [{"Name": name, "Value": value} for name, value in values.items()]
    harness.admin.admin_update_user_attributes(
        UserPoolId=harness.pool_id, Username=username, UserAttributes=attributes
    )


def test_an_administrator_changes_attributes(harness: UserPoolHarness) -> None:
    harness.signed_in()
    update(harness, EMAIL.upper(), given_name="Ada", email=EMAIL)
    update(harness, EMAIL, email="countess@example.org", email_verified="true")
    assert harness.sign_in("countess@example.org")["AuthenticationResult"]
    harness.signed_in()
    with refused("AliasExistsException", "An account with the given email already exists."):
        update(harness, EMAIL, email="Countess@example.org", email_verified="true")


@pytest.mark.parametrize("name", ["shoe", "sub"])
def test_immutable_attributes_are_refused(harness: UserPoolHarness, name: str) -> None:
    harness.signed_in()
    with refused("InvalidParameterException"):
        update(harness, EMAIL, **{name: "x"})
