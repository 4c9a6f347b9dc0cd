"""Password changes: ForgotPassword, ConfirmForgotPassword, AdminResetUserPassword, ChangePassword,
AdminSetUserPassword.
"""

from functools import partial

import pytest

from local_aws_tests.cognito.user_pool_harness import EMAIL, PASSWORD, UserPoolHarness, refused

NEW = "Another-Horse-8"


def forget(harness: UserPoolHarness, email: str = EMAIL) -> dict[str, str]:
    answer = harness.public.forgot_password(ClientId=harness.client_id, Username=email)
    details: dict[str, str] = answer["CodeDeliveryDetails"]
    return details


def recover(
    harness: UserPoolHarness, code: str | None = None, password: str = NEW, email: str = EMAIL
) -> None:
    harness.public.confirm_forgot_password(
        ClientId=harness.client_id,
        Username=email,
        ConfirmationCode=code or harness.code(email),
        Password=password,
    )


def test_a_forgotten_password_is_replaced_with_a_mailed_code(harness: UserPoolHarness) -> None:
    harness.signed_in()
    assert forget(harness) == {
        "Destination": "a***@e***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
    recover(harness)
    assert harness.sign_in(password=NEW)["AuthenticationResult"]
    with refused("NotAuthorizedException"):
        harness.sign_in()
    with refused("ExpiredCodeException"):
        recover(harness)


def test_the_trigger_source_names_the_recovery(harness: UserPoolHarness) -> None:
    harness.signed_in()
    harness.deploy("PostConfirmation", lambda event: event)
    forget(harness)
    recover(harness)
    [event] = harness.events
    assert event["triggerSource"] == "PostConfirmation_ConfirmForgotPassword"


def test_a_wrong_code_and_an_expired_one_are_refused(harness: UserPoolHarness) -> None:
    harness.signed_in()
    forget(harness)
    code = harness.code()
    with refused("CodeMismatchException"):
        recover(harness, f"{(int(code) + 1) % 10**6:06}")
    harness.server.clock.advance(3601)
    with refused("ExpiredCodeException"):
        recover(harness, code)
    assert harness.sign_in()["AuthenticationResult"]


def test_a_weak_password_does_not_use_up_the_code(harness: UserPoolHarness) -> None:
    harness.signed_in()
    forget(harness)
    with refused("InvalidPasswordException"):
        recover(harness, password="weak")
    recover(harness)


def test_a_confirmation_code_does_not_reset_a_password(harness: UserPoolHarness) -> None:
    harness.sign_up()
    code = harness.code()
    harness.admin.admin_confirm_sign_up(UserPoolId=harness.pool_id, Username=EMAIL)
    with refused("ExpiredCodeException"):
        recover(harness, code)


def test_the_answer_does_not_reveal_which_names_exist(harness: UserPoolHarness) -> None:
    assert forget(harness, "eve@example.org")["Destination"] == "e***@e***"
    assert harness.mails() == []
    with refused("CodeMismatchException"):
        recover(harness, "123456", email="eve@example.org")


def test_a_legacy_client_reveals_which_names_exist(harness: UserPoolHarness) -> None:
    harness.client_id = harness.create_client(PreventUserExistenceErrors="LEGACY")["ClientId"]
    with refused("UserNotFoundException", "Username/client id combination not found."):
        forget(harness, "eve@example.org")
    with refused("UserNotFoundException"):
        recover(harness, "123456", email="eve@example.org")


def test_an_unverified_email_gets_no_recovery_code(harness: UserPoolHarness) -> None:
    harness.sign_up()
    with refused("InvalidParameterException") as _:
        forget(harness)


def test_an_invited_user_has_no_password_to_recover(harness: UserPoolHarness) -> None:
    attributes = [{"Name": "email_verified", "Value": "true"}]
    harness.admin.admin_create_user(
        UserPoolId=harness.pool_id, Username=EMAIL, UserAttributes=attributes
    )
    with refused("NotAuthorizedException", "User password cannot be reset in the current state."):
        forget(harness)


def test_an_administrator_requires_a_new_password(harness: UserPoolHarness) -> None:
    harness.signed_in()
    harness.admin.admin_reset_user_password(UserPoolId=harness.pool_id, Username=EMAIL)
    assert harness.user()["UserStatus"] == "RESET_REQUIRED"
    with refused("PasswordResetRequiredException", "Password reset required for the user"):
        harness.sign_in()
    recover(harness)
    assert harness.sign_in(password=NEW)["AuthenticationResult"]


def test_a_user_changes_their_password(harness: UserPoolHarness) -> None:
    token = harness.signed_in()["AccessToken"]
    with refused("NotAuthorizedException", "Incorrect username or password."):
        harness.public.change_password(
            AccessToken=token, PreviousPassword="Wrong-Horse-77", ProposedPassword=NEW
        )
    with refused("InvalidPasswordException"):
        harness.public.change_password(
            AccessToken=token, PreviousPassword=PASSWORD, ProposedPassword="weak-weak"
        )
    harness.public.change_password(
        AccessToken=token, PreviousPassword=PASSWORD, ProposedPassword=NEW
    )
    assert harness.sign_in(password=NEW)["AuthenticationResult"]
    with refused("NotAuthorizedException"):
        harness.sign_in()


@pytest.mark.parametrize(
    ("permanent", "status"), [(True, "CONFIRMED"), (False, "FORCE_CHANGE_PASSWORD")]
)
def test_an_administrator_sets_a_password(
    harness: UserPoolHarness, permanent: bool, status: str
) -> None:
    harness.sign_up()
    setting = {"UserPoolId": harness.pool_id, "Username": EMAIL}
    with refused("InvalidPasswordException"):
        harness.admin.admin_set_user_password(**setting, Password="weak-weak", Permanent=permanent)
    harness.admin.admin_set_user_password(**setting, Password=NEW, Permanent=permanent)
    assert harness.user()["UserStatus"] == status
    assert ("AuthenticationResult" in harness.sign_in(password=NEW)) is permanent


@pytest.mark.parametrize(
    ("operation", "calls"),
    [("ForgotPassword", 5), ("ResendConfirmationCode", 5), ("ChangePassword", 5)],
)
def test_calls_of_a_user_are_limited_per_hour(
    harness: UserPoolHarness, operation: str, calls: int
) -> None:
    harness.server.clock.stop()
    client = {"ClientId": harness.client_id, "Username": EMAIL}
    if operation == "ResendConfirmationCode":
        harness.sign_up()
        call = partial(harness.public.resend_confirmation_code, **client)
    else:
        access = harness.signed_in()["AccessToken"]
        passwords = {"PreviousPassword": PASSWORD, "ProposedPassword": PASSWORD}
        call = partial(harness.public.change_password, AccessToken=access, **passwords)
    if operation == "ForgotPassword":
        call = partial(harness.public.forgot_password, **client)
    for _ in range(calls):
        call()
    with refused("LimitExceededException", "Attempt limit exceeded, please try after some time."):
        call()
    harness.server.clock.advance(900)
    with refused("LimitExceededException"):
        call()
    if operation != "ChangePassword":  # whose access token has expired by then
        harness.server.clock.advance(2700)
        call()


def test_a_pool_with_recovery_by_administrators_only_refuses_it(harness: UserPoolHarness) -> None:
    mechanisms = [{"Name": "admin_only", "Priority": 1}]
    harness.create_pool(AccountRecoverySetting={"RecoveryMechanisms": mechanisms})
    harness.signed_in()
    with refused("NotAuthorizedException", "Contact administrator to reset password."):
        harness.public.forgot_password(ClientId=harness.client_id, Username=EMAIL)
