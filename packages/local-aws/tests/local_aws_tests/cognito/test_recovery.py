"""Password changes: ForgotPassword, ConfirmForgotPassword, AdminResetUserPassword, ChangePassword,
AdminSetUserPassword.
"""

from functools import partial

import pytest

from local_aws_tests.cognito.world import EMAIL, PASSWORD, World, refused

NEW = "Another-Horse-8"


def forget(world: World, email: str = EMAIL) -> dict[str, str]:
    answer = world.public.forgot_password(ClientId=world.client_id, Username=email)
    details: dict[str, str] = answer["CodeDeliveryDetails"]
    return details


def recover(world: World, code: str | None = None, password: str = NEW, email: str = EMAIL) -> None:
    world.public.confirm_forgot_password(
        ClientId=world.client_id,
        Username=email,
        ConfirmationCode=code or world.code(email),
        Password=password,
    )


def test_a_forgotten_password_is_replaced_with_a_mailed_code(world: World) -> None:
    world.signed_in()
    assert forget(world) == {
        "Destination": "a***@e***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
    recover(world)
    assert world.sign_in(password=NEW)["AuthenticationResult"]
    with refused("NotAuthorizedException"):
        world.sign_in()
    with refused("ExpiredCodeException"):
        recover(world)


def test_the_trigger_source_names_the_recovery(world: World) -> None:
    world.signed_in()
    world.deploy("PostConfirmation", lambda event: event)
    forget(world)
    recover(world)
    [event] = world.events
    assert event["triggerSource"] == "PostConfirmation_ConfirmForgotPassword"


def test_a_wrong_code_and_an_expired_one_are_refused(world: World) -> None:
    world.signed_in()
    forget(world)
    code = world.code()
    with refused("CodeMismatchException"):
        recover(world, f"{(int(code) + 1) % 10**6:06}")
    world.server.clock.advance(3601)
    with refused("ExpiredCodeException"):
        recover(world, code)
    assert world.sign_in()["AuthenticationResult"]


def test_a_weak_password_does_not_use_up_the_code(world: World) -> None:
    world.signed_in()
    forget(world)
    with refused("InvalidPasswordException"):
        recover(world, password="weak")
    recover(world)


def test_a_confirmation_code_does_not_reset_a_password(world: World) -> None:
    world.sign_up()
    code = world.code()
    world.admin.admin_confirm_sign_up(UserPoolId=world.pool_id, Username=EMAIL)
    with refused("ExpiredCodeException"):
        recover(world, code)


def test_the_answer_does_not_reveal_which_names_exist(world: World) -> None:
    assert forget(world, "eve@example.org")["Destination"] == "e***@e***"
    assert world.mails() == []
    with refused("CodeMismatchException"):
        recover(world, "123456", email="eve@example.org")


def test_a_legacy_client_reveals_which_names_exist(world: World) -> None:
    world.client_id = world.create_client(PreventUserExistenceErrors="LEGACY")["ClientId"]
    with refused("UserNotFoundException", "Username/client id combination not found."):
        forget(world, "eve@example.org")
    with refused("UserNotFoundException"):
        recover(world, "123456", email="eve@example.org")


def test_an_unverified_email_gets_no_recovery_code(world: World) -> None:
    world.sign_up()
    with refused("InvalidParameterException") as _:
        forget(world)


def test_an_invited_user_has_no_password_to_recover(world: World) -> None:
    attributes = [{"Name": "email_verified", "Value": "true"}]
    world.admin.admin_create_user(
        UserPoolId=world.pool_id, Username=EMAIL, UserAttributes=attributes
    )
    with refused("NotAuthorizedException", "User password cannot be reset in the current state."):
        forget(world)


def test_an_administrator_requires_a_new_password(world: World) -> None:
    world.signed_in()
    world.admin.admin_reset_user_password(UserPoolId=world.pool_id, Username=EMAIL)
    assert world.user()["UserStatus"] == "RESET_REQUIRED"
    with refused("PasswordResetRequiredException", "Password reset required for the user"):
        world.sign_in()
    recover(world)
    assert world.sign_in(password=NEW)["AuthenticationResult"]


def test_a_user_changes_their_password(world: World) -> None:
    token = world.signed_in()["AccessToken"]
    with refused("NotAuthorizedException", "Incorrect username or password."):
        world.public.change_password(
            AccessToken=token, PreviousPassword="Wrong-Horse-77", ProposedPassword=NEW
        )
    with refused("InvalidPasswordException"):
        world.public.change_password(
            AccessToken=token, PreviousPassword=PASSWORD, ProposedPassword="weak-weak"
        )
    world.public.change_password(AccessToken=token, PreviousPassword=PASSWORD, ProposedPassword=NEW)
    assert world.sign_in(password=NEW)["AuthenticationResult"]
    with refused("NotAuthorizedException"):
        world.sign_in()


@pytest.mark.parametrize(
    ("permanent", "status"), [(True, "CONFIRMED"), (False, "FORCE_CHANGE_PASSWORD")]
)
def test_an_administrator_sets_a_password(world: World, permanent: bool, status: str) -> None:
    world.sign_up()
    setting = {"UserPoolId": world.pool_id, "Username": EMAIL}
    with refused("InvalidPasswordException"):
        world.admin.admin_set_user_password(**setting, Password="weak-weak", Permanent=permanent)
    world.admin.admin_set_user_password(**setting, Password=NEW, Permanent=permanent)
    assert world.user()["UserStatus"] == status
    assert ("AuthenticationResult" in world.sign_in(password=NEW)) is permanent


@pytest.mark.parametrize(
    ("operation", "calls"),
    [("ForgotPassword", 5), ("ResendConfirmationCode", 5), ("ChangePassword", 5)],
)
def test_calls_of_a_user_are_limited_per_hour(world: World, operation: str, calls: int) -> None:
    world.server.clock.stop()
    client = {"ClientId": world.client_id, "Username": EMAIL}
    if operation == "ResendConfirmationCode":
        world.sign_up()
        call = partial(world.public.resend_confirmation_code, **client)
    else:
        access = world.signed_in()["AccessToken"]
        passwords = {"PreviousPassword": PASSWORD, "ProposedPassword": PASSWORD}
        call = partial(world.public.change_password, AccessToken=access, **passwords)
    if operation == "ForgotPassword":
        call = partial(world.public.forgot_password, **client)
    for _ in range(calls):
        call()
    with refused("LimitExceededException", "Attempt limit exceeded, please try after some time."):
        call()
    world.server.clock.advance(900)
    with refused("LimitExceededException"):
        call()
    if operation != "ChangePassword":  # whose access token has expired by then
        world.server.clock.advance(2700)
        call()


def test_a_pool_with_recovery_by_administrators_only_refuses_it(world: World) -> None:
    mechanisms = [{"Name": "admin_only", "Priority": 1}]
    world.create_pool(AccountRecoverySetting={"RecoveryMechanisms": mechanisms})
    world.signed_in()
    with refused("NotAuthorizedException", "Contact administrator to reset password."):
        world.public.forgot_password(ClientId=world.client_id, Username=EMAIL)
