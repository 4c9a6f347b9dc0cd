"""InitiateAuth, AdminInitiateAuth, RespondToAuthChallenge, refreshes, and refusals."""

import pytest

from local_aws_tests.cognito.user_pool_harness import (
    CLIENT,
    EMAIL,
    PASSWORD,
    UserPoolHarness,
    refused,
)

INCORRECT = "Incorrect username or password."


def test_the_right_password_signs_in_whatever_the_case_of_the_email(
    harness: UserPoolHarness,
) -> None:
    harness.signed_in()
    result = harness.sign_in("ADA@Example.org")["AuthenticationResult"]
    assert result["TokenType"] == "Bearer"
    assert result["ExpiresIn"] == 30 * 60
    assert {"AccessToken", "IdToken", "RefreshToken"} <= result.keys()


@pytest.mark.parametrize("password", ["Correct-Horse-8", "correct-horse-7", "x"])
def test_a_wrong_password_is_refused(harness: UserPoolHarness, password: str) -> None:
    harness.signed_in()
    with refused("NotAuthorizedException", INCORRECT):
        harness.sign_in(password=password)


def test_an_unknown_user_looks_like_a_wrong_password(harness: UserPoolHarness) -> None:
    with refused("NotAuthorizedException", INCORRECT):
        harness.sign_in("eve@example.org")


def test_a_legacy_client_reveals_that_a_user_is_unknown(harness: UserPoolHarness) -> None:
    harness.client_id = harness.create_client(PreventUserExistenceErrors="LEGACY")["ClientId"]
    with refused("UserNotFoundException", "User does not exist."):
        harness.sign_in("eve@example.org")


def test_an_unconfirmed_user_is_refused(harness: UserPoolHarness) -> None:
    harness.sign_up()
    with refused("UserNotConfirmedException", "User is not confirmed."):
        harness.sign_in()
    with refused("NotAuthorizedException", INCORRECT):
        harness.sign_in(password="Wrong-Horse-77")


def test_a_disabled_user_can_neither_sign_in_nor_refresh(harness: UserPoolHarness) -> None:
    tokens = harness.signed_in()
    harness.admin.admin_disable_user(UserPoolId=harness.pool_id, Username=EMAIL)
    with refused("NotAuthorizedException", "User is disabled."):
        harness.sign_in()
    with refused("NotAuthorizedException", INCORRECT):
        harness.sign_in(password="Wrong-Horse-77")
    with refused("NotAuthorizedException", "Refresh Token has been revoked"):
        harness.refresh(tokens["RefreshToken"])
    with refused("NotAuthorizedException", "Access Token has been revoked"):
        harness.public.get_user(AccessToken=tokens["AccessToken"])
    harness.admin.admin_enable_user(UserPoolId=harness.pool_id, Username=EMAIL)
    assert harness.sign_in()["AuthenticationResult"]


def without(flow: str) -> list[str]:
    return [allowed for allowed in CLIENT["ExplicitAuthFlows"] if allowed != flow]


def test_a_flow_that_the_client_does_not_allow_is_refused(harness: UserPoolHarness) -> None:
    tokens = harness.signed_in()
    update = {"UserPoolId": harness.pool_id, "ClientId": harness.client_id}
    harness.admin.update_user_pool_client(
        **update, ExplicitAuthFlows=without("ALLOW_USER_PASSWORD_AUTH")
    )
    with refused(
        "InvalidParameterException", "USER_PASSWORD_AUTH flow not enabled for this client"
    ):
        harness.sign_in()
    harness.admin.update_user_pool_client(
        **update, ExplicitAuthFlows=without("ALLOW_ADMIN_USER_PASSWORD_AUTH")
    )
    with refused("InvalidParameterException", "Auth flow not enabled for this client"):
        admin_sign_in(harness)
    harness.admin.update_user_pool_client(
        **update, ExplicitAuthFlows=without("ALLOW_REFRESH_TOKEN_AUTH")
    )
    with refused("InvalidParameterException", "Auth flow not enabled for this client"):
        harness.refresh(tokens["RefreshToken"])


def test_a_client_without_flows_allows_no_passwords(harness: UserPoolHarness) -> None:
    harness.signed_in()
    created = harness.admin.create_user_pool_client(UserPoolId=harness.pool_id, ClientName="plain")
    harness.client_id = created["UserPoolClient"]["ClientId"]
    with refused(
        "InvalidParameterException", "USER_PASSWORD_AUTH flow not enabled for this client"
    ):
        harness.sign_in()


def admin_sign_in(
    harness: UserPoolHarness, flow: str = "ADMIN_USER_PASSWORD_AUTH", password: str = PASSWORD
) -> dict[str, object]:
    answer: dict[str, object] = harness.admin.admin_initiate_auth(
        UserPoolId=harness.pool_id,
        ClientId=harness.client_id,
        AuthFlow=flow,
        AuthParameters={"USERNAME": EMAIL, "PASSWORD": password},
    )
    return answer


def test_an_administrator_signs_a_user_in(harness: UserPoolHarness) -> None:
    harness.signed_in()
    assert admin_sign_in(harness)["AuthenticationResult"]
    with refused("NotAuthorizedException", INCORRECT):
        admin_sign_in(harness, password="Wrong-Horse-77")


def test_the_administrators_flows_are_not_public(harness: UserPoolHarness) -> None:
    harness.signed_in()
    with refused("InvalidParameterException", "Initiate Auth method not supported."):
        harness.initiate("ADMIN_USER_PASSWORD_AUTH", USERNAME=EMAIL, PASSWORD=PASSWORD)
    with refused("InvalidParameterException", "Initiate Auth method not supported."):
        admin_sign_in(harness, flow="USER_PASSWORD_AUTH")


def test_a_client_of_another_pool_is_refused(harness: UserPoolHarness) -> None:
    pool_id = harness.pool_id
    harness.create_pool()
    harness.signed_in()
    harness.pool_id = pool_id
    with refused("ResourceNotFoundException"):
        admin_sign_in(harness)


def test_an_unsupported_flow_is_refused(harness: UserPoolHarness) -> None:
    harness.client_id = harness.create_client(ExplicitAuthFlows=["ALLOW_CUSTOM_AUTH"])["ClientId"]
    with refused("NotEmulated", status=501) as _:
        harness.initiate("CUSTOM_AUTH", USERNAME=EMAIL)


def test_a_missing_parameter_is_named(harness: UserPoolHarness) -> None:
    with refused("InvalidParameterException", "Missing required parameter PASSWORD"):
        harness.initiate("USER_PASSWORD_AUTH", USERNAME=EMAIL)


def test_a_refresh_token_gives_new_tokens_of_the_same_sign_in(harness: UserPoolHarness) -> None:
    tokens = harness.signed_in()
    harness.server.clock.advance(60)
    fresh = harness.refresh(tokens["RefreshToken"])["AuthenticationResult"]
    assert "RefreshToken" not in fresh
    old, new = harness.claims(tokens["AccessToken"]), harness.claims(fresh["AccessToken"])
    assert new["jti"] != old["jti"]
    assert new["iat"] >= old["iat"] + 60
    assert (new["origin_jti"], new["auth_time"], new["sub"]) == (
        old["origin_jti"],
        old["auth_time"],
        old["sub"],
    )


def test_a_refresh_token_expires_after_the_clients_validity(harness: UserPoolHarness) -> None:
    tokens = harness.signed_in()
    harness.server.clock.advance(12 * 3600 - 60)
    assert harness.refresh(tokens["RefreshToken"])
    harness.server.clock.advance(61)
    with refused("NotAuthorizedException", "Refresh Token has expired"):
        harness.refresh(tokens["RefreshToken"])


@pytest.mark.parametrize(
    "forge",
    [lambda token: "nonsense", lambda token: token[:-1] + "~", lambda token: token.split(".")[0]],
)
def test_a_forged_refresh_token_is_refused(harness: UserPoolHarness, forge: object) -> None:
    tokens = harness.signed_in()
    assert callable(forge)
    with refused("NotAuthorizedException", "Invalid Refresh Token"):
        harness.refresh(forge(tokens["RefreshToken"]))


def test_another_clients_refresh_token_is_refused(harness: UserPoolHarness) -> None:
    tokens = harness.signed_in()
    harness.client_id = harness.create_client()["ClientId"]
    with refused("NotAuthorizedException", "Invalid Refresh Token"):
        harness.refresh(tokens["RefreshToken"])


def test_tokens_of_a_deleted_user_are_refused(harness: UserPoolHarness) -> None:
    tokens = harness.signed_in()
    harness.admin.admin_delete_user(UserPoolId=harness.pool_id, Username=EMAIL)
    with refused("NotAuthorizedException"):
        harness.refresh(tokens["RefreshToken"])
    with refused("NotAuthorizedException", INCORRECT):
        harness.sign_in()
