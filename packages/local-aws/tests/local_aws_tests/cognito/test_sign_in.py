"""InitiateAuth, AdminInitiateAuth, RespondToAuthChallenge, refreshes, and refusals."""

import pytest

from local_aws_tests.cognito.world import CLIENT, EMAIL, PASSWORD, World, refused

INCORRECT = "Incorrect username or password."


def test_the_right_password_signs_in_whatever_the_case_of_the_email(world: World) -> None:
    world.signed_in()
    result = world.sign_in("ADA@Example.org")["AuthenticationResult"]
    assert result["TokenType"] == "Bearer"
    assert result["ExpiresIn"] == 30 * 60
    assert {"AccessToken", "IdToken", "RefreshToken"} <= result.keys()


@pytest.mark.parametrize("password", ["Correct-Horse-8", "correct-horse-7", "x"])
def test_a_wrong_password_is_refused(world: World, password: str) -> None:
    world.signed_in()
    with refused("NotAuthorizedException", INCORRECT):
        world.sign_in(password=password)


def test_an_unknown_user_looks_like_a_wrong_password(world: World) -> None:
    with refused("NotAuthorizedException", INCORRECT):
        world.sign_in("eve@example.org")


def test_a_legacy_client_reveals_that_a_user_is_unknown(world: World) -> None:
    world.client_id = world.create_client(PreventUserExistenceErrors="LEGACY")["ClientId"]
    with refused("UserNotFoundException", "User does not exist."):
        world.sign_in("eve@example.org")


def test_an_unconfirmed_user_is_refused(world: World) -> None:
    world.sign_up()
    with refused("UserNotConfirmedException", "User is not confirmed."):
        world.sign_in()
    with refused("NotAuthorizedException", INCORRECT):
        world.sign_in(password="Wrong-Horse-77")


def test_a_disabled_user_can_neither_sign_in_nor_refresh(world: World) -> None:
    tokens = world.signed_in()
    world.admin.admin_disable_user(UserPoolId=world.pool_id, Username=EMAIL)
    with refused("NotAuthorizedException", "User is disabled."):
        world.sign_in()
    with refused("NotAuthorizedException", INCORRECT):
        world.sign_in(password="Wrong-Horse-77")
    with refused("NotAuthorizedException", "Refresh Token has been revoked"):
        world.refresh(tokens["RefreshToken"])
    with refused("NotAuthorizedException", "Access Token has been revoked"):
        world.public.get_user(AccessToken=tokens["AccessToken"])
    world.admin.admin_enable_user(UserPoolId=world.pool_id, Username=EMAIL)
    assert world.sign_in()["AuthenticationResult"]


def without(flow: str) -> list[str]:
    return [allowed for allowed in CLIENT["ExplicitAuthFlows"] if allowed != flow]


def test_a_flow_that_the_client_does_not_allow_is_refused(world: World) -> None:
    tokens = world.signed_in()
    update = {"UserPoolId": world.pool_id, "ClientId": world.client_id}
    world.admin.update_user_pool_client(
        **update, ExplicitAuthFlows=without("ALLOW_USER_PASSWORD_AUTH")
    )
    with refused(
        "InvalidParameterException", "USER_PASSWORD_AUTH flow not enabled for this client"
    ):
        world.sign_in()
    world.admin.update_user_pool_client(
        **update, ExplicitAuthFlows=without("ALLOW_ADMIN_USER_PASSWORD_AUTH")
    )
    with refused("InvalidParameterException", "Auth flow not enabled for this client"):
        admin_sign_in(world)
    world.admin.update_user_pool_client(
        **update, ExplicitAuthFlows=without("ALLOW_REFRESH_TOKEN_AUTH")
    )
    with refused("InvalidParameterException", "Auth flow not enabled for this client"):
        world.refresh(tokens["RefreshToken"])


def test_a_client_without_flows_allows_no_passwords(world: World) -> None:
    world.signed_in()
    created = world.admin.create_user_pool_client(UserPoolId=world.pool_id, ClientName="plain")
    world.client_id = created["UserPoolClient"]["ClientId"]
    with refused(
        "InvalidParameterException", "USER_PASSWORD_AUTH flow not enabled for this client"
    ):
        world.sign_in()


def admin_sign_in(
    world: World, flow: str = "ADMIN_USER_PASSWORD_AUTH", password: str = PASSWORD
) -> dict[str, object]:
    answer: dict[str, object] = world.admin.admin_initiate_auth(
        UserPoolId=world.pool_id,
        ClientId=world.client_id,
        AuthFlow=flow,
        AuthParameters={"USERNAME": EMAIL, "PASSWORD": password},
    )
    return answer


def test_an_administrator_signs_a_user_in(world: World) -> None:
    world.signed_in()
    assert admin_sign_in(world)["AuthenticationResult"]
    with refused("NotAuthorizedException", INCORRECT):
        admin_sign_in(world, password="Wrong-Horse-77")


def test_the_administrators_flows_are_not_public(world: World) -> None:
    world.signed_in()
    with refused("InvalidParameterException", "Initiate Auth method not supported."):
        world.initiate("ADMIN_USER_PASSWORD_AUTH", USERNAME=EMAIL, PASSWORD=PASSWORD)
    with refused("InvalidParameterException", "Initiate Auth method not supported."):
        admin_sign_in(world, flow="USER_PASSWORD_AUTH")


def test_a_client_of_another_pool_is_refused(world: World) -> None:
    pool_id = world.pool_id
    world.create_pool()
    world.signed_in()
    world.pool_id = pool_id
    with refused("ResourceNotFoundException"):
        admin_sign_in(world)


def test_an_unsupported_flow_is_refused(world: World) -> None:
    world.client_id = world.create_client(ExplicitAuthFlows=["ALLOW_CUSTOM_AUTH"])["ClientId"]
    with refused("NotEmulated", status=501) as _:
        world.initiate("CUSTOM_AUTH", USERNAME=EMAIL)


def test_a_missing_parameter_is_named(world: World) -> None:
    with refused("InvalidParameterException", "Missing required parameter PASSWORD"):
        world.initiate("USER_PASSWORD_AUTH", USERNAME=EMAIL)


def test_a_refresh_token_gives_new_tokens_of_the_same_sign_in(world: World) -> None:
    tokens = world.signed_in()
    world.server.clock.advance(60)
    fresh = world.refresh(tokens["RefreshToken"])["AuthenticationResult"]
    assert "RefreshToken" not in fresh
    old, new = world.claims(tokens["AccessToken"]), world.claims(fresh["AccessToken"])
    assert new["jti"] != old["jti"]
    assert new["iat"] >= old["iat"] + 60
    assert (new["origin_jti"], new["auth_time"], new["sub"]) == (
        old["origin_jti"],
        old["auth_time"],
        old["sub"],
    )


def test_a_refresh_token_expires_after_the_clients_validity(world: World) -> None:
    tokens = world.signed_in()
    world.server.clock.advance(12 * 3600 - 60)
    assert world.refresh(tokens["RefreshToken"])
    world.server.clock.advance(61)
    with refused("NotAuthorizedException", "Refresh Token has expired"):
        world.refresh(tokens["RefreshToken"])


@pytest.mark.parametrize(
    "forge",
    [lambda token: "nonsense", lambda token: token[:-1] + "~", lambda token: token.split(".")[0]],
)
def test_a_forged_refresh_token_is_refused(world: World, forge: object) -> None:
    tokens = world.signed_in()
    assert callable(forge)
    with refused("NotAuthorizedException", "Invalid Refresh Token"):
        world.refresh(forge(tokens["RefreshToken"]))


def test_another_clients_refresh_token_is_refused(world: World) -> None:
    tokens = world.signed_in()
    world.client_id = world.create_client()["ClientId"]
    with refused("NotAuthorizedException", "Invalid Refresh Token"):
        world.refresh(tokens["RefreshToken"])


def test_tokens_of_a_deleted_user_are_refused(world: World) -> None:
    tokens = world.signed_in()
    world.admin.admin_delete_user(UserPoolId=world.pool_id, Username=EMAIL)
    with refused("NotAuthorizedException"):
        world.refresh(tokens["RefreshToken"])
    with refused("NotAuthorizedException", INCORRECT):
        world.sign_in()
