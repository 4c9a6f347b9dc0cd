"""Authenticator apps: enrolment, preference, the challenge, and pools that require them."""

import base64
from typing import Any

import pytest

from local_aws.cognito import totp
from local_aws_tests.cognito.user_pool_harness import EMAIL, PASSWORD, UserPoolHarness, refused

MISMATCH = "Invalid code received for user"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (20000000000, "353130"),
    ],
)
def test_codes_equal_those_of_rfc_6238(seconds: int, code: str) -> None:
    """Compare with appendix B: the last six of its eight digits."""
    assert totp.code(b"12345678901234567890", seconds // 30) == code


def associate(harness: UserPoolHarness, access_token: str) -> str:
    return str(harness.public.associate_software_token(AccessToken=access_token)["SecretCode"])


def enrol(harness: UserPoolHarness, access_token: str) -> str:
    """Associate, verify and enable an app. Its next code is a new one."""
    secret = associate(harness, access_token)
    harness.public.verify_software_token(
        AccessToken=access_token, UserCode=harness.app_code(secret)
    )
    prefer(harness, access_token)
    harness.server.clock.advance(30)
    return secret


def prefer(harness: UserPoolHarness, access_token: str, **settings: Any) -> None:
    chosen = settings or {"SoftwareTokenMfaSettings": {"Enabled": True, "PreferredMfa": True}}
    harness.public.set_user_mfa_preference(AccessToken=access_token, **chosen)


def answer(
    harness: UserPoolHarness, challenge: dict[str, Any], code: str, username: str = EMAIL
) -> dict[str, Any]:
    answered: dict[str, Any] = harness.public.respond_to_auth_challenge(
        ClientId=harness.client_id,
        ChallengeName="SOFTWARE_TOKEN_MFA",
        Session=challenge["Session"],
        ChallengeResponses={"USERNAME": username, "SOFTWARE_TOKEN_MFA_CODE": code},
    )
    return answered


@pytest.fixture
def access_token(harness: UserPoolHarness) -> str:
    harness.server.clock.stop()  # a code changes every 30 seconds
    harness.require_mfa("OPTIONAL")
    return str(harness.signed_in()["AccessToken"])


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def test_the_secret_is_random_and_long_enough(harness: UserPoolHarness, access_token: str) -> None:
    first, second = associate(harness, access_token), associate(harness, access_token)
    assert first != second
    assert len(base64.b32decode(first + "=" * (-len(first) % 8))) >= 20  # RFC 4226, section 4


def test_a_user_with_an_app_needs_its_code(harness: UserPoolHarness, access_token: str) -> None:
    secret = enrol(harness, access_token)
    challenge = harness.sign_in()
    assert challenge["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    assert "AuthenticationResult" not in challenge
    assert challenge["ChallengeParameters"]["USER_ID_FOR_SRP"] == harness.user()["Username"]
    with refused("CodeMismatchException", MISMATCH):
        answer(harness, challenge, wrong(harness.app_code(secret)))
    tokens = answer(harness, challenge, harness.app_code(secret))["AuthenticationResult"]
    assert harness.public.get_user(AccessToken=tokens["AccessToken"])
    with refused(
        "NotAuthorizedException", "Invalid session for the user, session can only be used once."
    ):
        answer(harness, challenge, harness.app_code(secret))


def test_a_code_is_accepted_once(harness: UserPoolHarness, access_token: str) -> None:
    secret = enrol(harness, access_token)
    code = harness.app_code(secret)
    answer(harness, harness.sign_in(), code)
    challenge = harness.sign_in()
    with refused("ExpiredCodeException", "Your software token has already been used once."):
        answer(harness, challenge, code)
    harness.server.clock.advance(30)
    assert answer(harness, challenge, harness.app_code(secret))["AuthenticationResult"]


@pytest.mark.parametrize(("late", "accepted"), [(-30, True), (30, True), (60, False), (-60, False)])
def test_a_code_is_valid_one_step_before_and_after(
    harness: UserPoolHarness, access_token: str, late: float, accepted: bool
) -> None:
    secret = enrol(harness, access_token)
    harness.server.clock.advance(600)
    challenge = harness.sign_in()
    code = harness.app_code(secret)
    harness.server.clock.advance(late)
    if accepted:
        assert answer(harness, challenge, code)["AuthenticationResult"]
    else:
        with refused("CodeMismatchException", MISMATCH):
            answer(harness, challenge, code)


def test_another_users_session_or_app_is_refused(
    harness: UserPoolHarness, access_token: str
) -> None:
    secret = enrol(harness, access_token)
    eve = "eve@example.org"
    eves_secret = enrol(harness, harness.signed_in(eve)["AccessToken"])
    challenge = harness.sign_in()
    with refused("NotAuthorizedException", "Invalid session for the user."):
        answer(harness, challenge, harness.app_code(eves_secret), username=eve)
    with refused("CodeMismatchException", MISMATCH):
        answer(harness, challenge, harness.app_code(eves_secret))
    assert answer(harness, challenge, harness.app_code(secret))["AuthenticationResult"]


def test_a_session_expires(harness: UserPoolHarness, access_token: str) -> None:
    secret = enrol(harness, access_token)
    challenge = harness.sign_in()
    harness.server.clock.advance(3 * 60)
    with refused("NotAuthorizedException", "Invalid session for the user, session is expired."):
        answer(harness, challenge, harness.app_code(secret))


def test_an_app_that_shows_a_wrong_code_is_not_enrolled(
    harness: UserPoolHarness, access_token: str
) -> None:
    secret = associate(harness, access_token)
    with refused("EnableSoftwareTokenMFAException", "Code mismatch"):
        harness.public.verify_software_token(
            AccessToken=access_token, UserCode=wrong(harness.app_code(secret))
        )
    with refused("InvalidParameterException", "User has not verified software token mfa"):
        prefer(harness, access_token)
    assert harness.sign_in()["AuthenticationResult"]


def test_verifying_without_associating_is_refused(
    harness: UserPoolHarness, access_token: str
) -> None:
    with refused("InvalidParameterException"):
        harness.public.verify_software_token(AccessToken=access_token, UserCode="123456")


def test_a_verified_app_is_not_required_until_it_is_enabled(
    harness: UserPoolHarness, access_token: str
) -> None:
    secret = associate(harness, access_token)
    harness.public.verify_software_token(
        AccessToken=access_token, UserCode=harness.app_code(secret)
    )
    assert harness.sign_in()["AuthenticationResult"]
    prefer(harness, access_token)
    assert harness.sign_in()["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    prefer(
        harness, access_token, SoftwareTokenMfaSettings={"Enabled": False, "PreferredMfa": False}
    )
    assert harness.sign_in()["AuthenticationResult"]


def test_a_new_app_replaces_the_old_one_once_it_is_verified(
    harness: UserPoolHarness, access_token: str
) -> None:
    old = enrol(harness, access_token)
    new = associate(harness, access_token)
    with refused("CodeMismatchException", MISMATCH):
        answer(harness, harness.sign_in(), harness.app_code(new))
    assert answer(harness, harness.sign_in(), harness.app_code(old))["AuthenticationResult"]
    harness.server.clock.advance(30)
    harness.public.verify_software_token(AccessToken=access_token, UserCode=harness.app_code(new))
    harness.server.clock.advance(30)
    with refused("CodeMismatchException", MISMATCH):
        answer(harness, harness.sign_in(), harness.app_code(old))
    assert answer(harness, harness.sign_in(), harness.app_code(new))["AuthenticationResult"]


def test_the_user_and_an_administrator_see_the_factor(
    harness: UserPoolHarness, access_token: str
) -> None:
    assert "UserMFASettingList" not in harness.public.get_user(AccessToken=access_token)
    enrol(harness, access_token)
    for seen in (harness.public.get_user(AccessToken=access_token), harness.user()):
        assert seen["UserMFASettingList"] == ["SOFTWARE_TOKEN_MFA"]
        assert seen["PreferredMfaSetting"] == "SOFTWARE_TOKEN_MFA"


def test_an_administrator_disables_the_factor(harness: UserPoolHarness, access_token: str) -> None:
    enrol(harness, access_token)
    off = {"Enabled": False, "PreferredMfa": False}
    harness.admin.admin_set_user_mfa_preference(
        UserPoolId=harness.pool_id, Username=EMAIL.upper(), SoftwareTokenMfaSettings=off
    )
    assert harness.sign_in()["AuthenticationResult"]


@pytest.mark.parametrize("factor", ["SMSMfaSettings", "EmailMfaSettings"])
def test_other_factors_are_refused(
    harness: UserPoolHarness, access_token: str, factor: str
) -> None:
    with refused("NotEmulated", status=501):
        prefer(harness, access_token, **{factor: {"Enabled": True}})
    prefer(harness, access_token, **{factor: {"Enabled": False}})


def test_a_pool_without_authenticator_apps_refuses_enrolment(harness: UserPoolHarness) -> None:
    with refused(
        "SoftwareTokenMFANotFoundException",
        "Software Token MFA has not been enabled by the userPool",
    ):
        associate(harness, harness.signed_in()["AccessToken"])


def test_a_pool_without_mfa_no_longer_requires_the_code(
    harness: UserPoolHarness, access_token: str
) -> None:
    enrol(harness, access_token)
    harness.admin.update_user_pool(
        UserPoolId=harness.pool_id, MfaConfiguration="OFF", AutoVerifiedAttributes=["email"]
    )
    assert harness.sign_in()["AuthenticationResult"]


def test_an_invited_user_with_an_app_needs_both(
    harness: UserPoolHarness, access_token: str
) -> None:
    secret = enrol(harness, access_token)
    harness.admin.admin_set_user_password(
        UserPoolId=harness.pool_id, Username=EMAIL, Password="Temporary-Horse-7"
    )
    challenge = harness.sign_in(password="Temporary-Horse-7")
    assert challenge["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    challenge = harness.public.respond_to_auth_challenge(
        ClientId=harness.client_id,
        ChallengeName="NEW_PASSWORD_REQUIRED",
        Session=challenge["Session"],
        ChallengeResponses={"USERNAME": EMAIL, "NEW_PASSWORD": "Another-Horse-7"},
    )
    assert challenge["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    assert answer(harness, challenge, harness.app_code(secret))["AuthenticationResult"]


def test_a_session_answers_only_its_own_challenge(
    harness: UserPoolHarness, access_token: str
) -> None:
    """Check this, because the password alone would otherwise let an attacker answer MFA_SETUP
    instead of the code.
    """
    enrol(harness, access_token)
    challenge = harness.sign_in()
    for name, responses in (
        ("MFA_SETUP", {}),
        ("NEW_PASSWORD_REQUIRED", {"NEW_PASSWORD": "Another-Horse-7"}),
    ):
        with refused("NotAuthorizedException", "Invalid session for the user."):
            harness.public.respond_to_auth_challenge(
                ClientId=harness.client_id,
                ChallengeName=name,
                Session=challenge["Session"],
                ChallengeResponses={"USERNAME": EMAIL, **responses},
            )
    with refused("NotAuthorizedException", "Invalid session for the user."):
        harness.public.associate_software_token(Session=challenge["Session"])


def respond_setup(harness: UserPoolHarness, session: str) -> dict[str, Any]:
    answered: dict[str, Any] = harness.public.respond_to_auth_challenge(
        ClientId=harness.client_id,
        ChallengeName="MFA_SETUP",
        Session=session,
        ChallengeResponses={"USERNAME": EMAIL},
    )
    return answered


def test_a_pool_that_requires_an_app_sets_one_up_at_the_first_sign_in(
    harness: UserPoolHarness,
) -> None:
    harness.signed_in()
    harness.require_mfa("ON")
    challenge = harness.sign_in()
    assert challenge["ChallengeName"] == "MFA_SETUP"
    assert challenge["ChallengeParameters"]["MFAS_CAN_SETUP"] == '["SOFTWARE_TOKEN_MFA"]'
    offered = harness.public.associate_software_token(Session=challenge["Session"])
    with refused("InvalidParameterException"):
        respond_setup(harness, offered["Session"])
    verified = harness.public.verify_software_token(
        Session=offered["Session"], UserCode=harness.app_code(offered["SecretCode"])
    )
    assert respond_setup(harness, verified["Session"])["AuthenticationResult"]
    harness.server.clock.advance(30)
    challenge = harness.sign_in()
    assert answer(harness, challenge, harness.app_code(offered["SecretCode"]))[
        "AuthenticationResult"
    ]


def test_a_pool_cannot_require_a_factor_that_it_does_not_offer(harness: UserPoolHarness) -> None:
    with refused("NotEmulated", status=501):
        harness.admin.update_user_pool(UserPoolId=harness.pool_id, MfaConfiguration="ON")
    with refused("NotEmulated", status=501):
        harness.admin.set_user_pool_mfa_config(
            UserPoolId=harness.pool_id,
            MfaConfiguration="ON",
            EmailMfaConfiguration={"Subject": "x"},
        )


def test_guessing_codes_locks_out(harness: UserPoolHarness, access_token: str) -> None:
    """Check that a right password does not reset the count of wrong codes."""
    secret = enrol(harness, access_token)
    for _ in range(5):
        challenge = harness.sign_in(password=PASSWORD)
        with refused("CodeMismatchException", MISMATCH):
            answer(harness, challenge, wrong(harness.app_code(secret)))
    with refused("NotAuthorizedException", "Password attempts exceeded"):
        answer(harness, challenge, harness.app_code(secret))
    harness.server.clock.advance(1)
    assert answer(harness, challenge, harness.app_code(secret))["AuthenticationResult"]
