"""AdminCreateUser and the first sign-in of an invited user."""

import json
from typing import Any

import pytest

from local_aws_tests.cognito.user_pool_harness import (
    EMAIL,
    PASSWORD,
    FunctionError,
    UserPoolHarness,
    refused,
)


def invite(harness: UserPoolHarness, email: str = EMAIL, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = harness.admin.admin_create_user(
        UserPoolId=harness.pool_id, Username=email, **more
    )["User"]
    return answer


def choose_password(
    harness: UserPoolHarness, session: str, password: str, **more: str
) -> dict[str, Any]:
    answer: dict[str, Any] = harness.public.respond_to_auth_challenge(
        ClientId=harness.client_id,
        ChallengeName="NEW_PASSWORD_REQUIRED",
        Session=session,
        ChallengeResponses={"USERNAME": EMAIL, "NEW_PASSWORD": password, **more},
    )
    return answer


def test_an_invited_user_can_choose_a_password(harness: UserPoolHarness) -> None:
    user = invite(harness, UserAttributes=[{"Name": "given_name", "Value": "Ada"}])
    assert user["UserStatus"] == "FORCE_CHANGE_PASSWORD"
    assert user["Enabled"] is True
    attributes = {a["Name"]: a["Value"] for a in user["Attributes"]}
    assert attributes == {"email": EMAIL, "given_name": "Ada", "sub": user["Username"]}
    mail = harness.mails()[-1]
    assert EMAIL in mail["body"]
    assert mail["code"] in mail["body"]

    challenge = harness.sign_in(password=mail["code"])
    assert "AuthenticationResult" not in challenge
    assert challenge["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    assert challenge["ChallengeParameters"]["USER_ID_FOR_SRP"] == user["Username"]
    told = json.loads(challenge["ChallengeParameters"]["userAttributes"])
    assert told == {"email": EMAIL, "given_name": "Ada"}

    session = challenge["Session"]
    with refused("InvalidPasswordException"):
        choose_password(harness, session, "weak")
    tokens = choose_password(harness, session, PASSWORD)["AuthenticationResult"]
    assert harness.claims(tokens["AccessToken"])["sub"] == user["Username"]
    assert harness.user()["UserStatus"] == "CONFIRMED"
    assert harness.sign_in()["AuthenticationResult"]
    with refused(
        "NotAuthorizedException", "Invalid session for the user, session can only be used once."
    ):
        choose_password(harness, session, PASSWORD)


def test_an_administrator_answers_the_challenge(harness: UserPoolHarness) -> None:
    invite(harness)
    parameters = {"USERNAME": EMAIL, "PASSWORD": harness.code()}
    both = {"UserPoolId": harness.pool_id, "ClientId": harness.client_id}
    challenge = harness.admin.admin_initiate_auth(
        **both, AuthFlow="ADMIN_USER_PASSWORD_AUTH", AuthParameters=parameters
    )
    answer = harness.admin.admin_respond_to_auth_challenge(
        **both,
        ChallengeName="NEW_PASSWORD_REQUIRED",
        Session=challenge["Session"],
        ChallengeResponses={"USERNAME": EMAIL, "NEW_PASSWORD": PASSWORD},
    )
    assert answer["AuthenticationResult"]["AccessToken"]


def test_the_first_sign_in_completes_the_profile(harness: UserPoolHarness) -> None:
    schema = [
        {"Name": "family_name", "AttributeDataType": "String", "Required": True, "Mutable": True}
    ]
    harness.create_pool(Schema=schema)
    with refused("InvalidParameterException"):
        invite(harness)
    invite(harness, UserAttributes=[{"Name": "family_name", "Value": "Byron"}])
    session = harness.sign_in(password=harness.code())["Session"]
    choose_password(harness, session, PASSWORD, **{"userAttributes.family_name": "Lovelace"})
    assert harness.user()["Attributes"]["family_name"] == "Lovelace"


def test_a_challenge_expires_after_three_minutes(harness: UserPoolHarness) -> None:
    invite(harness)
    session = harness.sign_in(password=harness.code())["Session"]
    harness.server.clock.advance(181)
    with refused("NotAuthorizedException", "Invalid session for the user, session is expired."):
        choose_password(harness, session, PASSWORD)


def test_a_session_belongs_to_one_user(harness: UserPoolHarness) -> None:
    invite(harness, "eve@example.org")
    session = harness.sign_in("eve@example.org", harness.code("eve@example.org"))["Session"]
    harness.signed_in()
    with refused("NotAuthorizedException", "Invalid session for the user."):
        choose_password(harness, session, "Stolen-Horse-77")
    assert harness.sign_in()["AuthenticationResult"]


def test_a_temporary_password_expires_after_the_policys_days(harness: UserPoolHarness) -> None:
    invite(harness)
    password = harness.code()
    harness.server.clock.advance(3 * 86400 + 1)
    with refused(
        "NotAuthorizedException",
        "Temporary password has expired and must be reset by an administrator.",
    ):
        harness.sign_in(password=password)
    invite(harness, MessageAction="RESEND")
    assert harness.sign_in(password=harness.code())["ChallengeName"] == "NEW_PASSWORD_REQUIRED"


def test_the_administrator_may_choose_the_temporary_password(harness: UserPoolHarness) -> None:
    with refused("InvalidPasswordException"):
        invite(harness, TemporaryPassword="weak")
    invite(harness, TemporaryPassword="Temporary-Horse-7", MessageAction="SUPPRESS")
    assert harness.mails() == []
    assert harness.sign_in(password="Temporary-Horse-7")["ChallengeName"] == "NEW_PASSWORD_REQUIRED"


def test_an_existing_user_cannot_be_invited(harness: UserPoolHarness) -> None:
    harness.signed_in()
    with refused("UsernameExistsException", "An account with the given email already exists."):
        invite(harness, EMAIL.upper())
    with refused("UnsupportedUserStateException"):
        invite(harness, MessageAction="RESEND")


def test_the_trigger_is_called_but_its_flags_are_ignored(harness: UserPoolHarness) -> None:
    harness.deploy(
        "PreSignUp",
        lambda event: event | {"response": {"autoConfirmUser": True, "autoVerifyEmail": True}},
    )
    harness.deploy("PostConfirmation", lambda event: event)
    user = invite(harness, ClientMetadata={"invited": "yes"})
    assert user["UserStatus"] == "FORCE_CHANGE_PASSWORD"
    assert "email_verified" not in harness.user()["Attributes"]
    [event] = harness.events
    assert event["triggerSource"] == "PreSignUp_AdminCreateUser"
    assert event["callerContext"]["clientId"] == "CLIENT_ID_NOT_APPLICABLE"
    assert event["request"]["clientMetadata"] == {"invited": "yes"}
    choose_password(harness, harness.sign_in(password=harness.code())["Session"], PASSWORD)
    assert [event["triggerSource"] for event in harness.events] == ["PreSignUp_AdminCreateUser"]


def test_the_trigger_can_refuse_an_invitation(harness: UserPoolHarness) -> None:
    def refuse(event: dict[str, Any]) -> Any:
        raise FunctionError("not this domain")

    harness.deploy("PreSignUp", refuse)
    with refused("UserLambdaValidationException", "PreSignUp failed with error not this domain."):
        invite(harness)
    with refused("UserNotFoundException"):
        harness.user()


def test_the_pools_own_invitation_is_mailed(harness: UserPoolHarness) -> None:
    template = {"EmailSubject": "Join us", "EmailMessage": "{username}: {####}"}
    harness.create_pool(AdminCreateUserConfig={"InviteMessageTemplate": template})
    invite(harness)
    [mail] = harness.mails()
    assert (mail["subject"], mail["body"]) == ("Join us", f"{EMAIL}: {mail['code']}")


def test_every_generated_password_fits_the_policy(harness: UserPoolHarness) -> None:
    for number in range(20):
        invite(harness, f"person{number}@example.org")
    passwords = {mail["code"] for mail in harness.mails()}
    assert len(passwords) == 20
    for password in passwords:
        harness.admin.admin_set_user_password(
            UserPoolId=harness.pool_id, Username="person0@example.org", Password=password
        )


@pytest.mark.parametrize("medium", ["SMS"])
def test_text_messages_are_not_emulated(harness: UserPoolHarness, medium: str) -> None:
    with refused("NotEmulated", status=501):
        invite(harness, DesiredDeliveryMediums=[medium])
